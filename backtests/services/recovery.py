"""Recovery of backtests whose worker died or whose message was lost: they run again, or fail with a reason."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from backtests.models import Backtest
from tradedesk.accounts.changes import bump_version
from tradedesk.wall_time import is_older

# A worker sends a heartbeat every second; without one for a minute it counts as dead.
HEARTBEAT_TIMEOUT = timedelta(seconds=60)
# After this time the message counts as lost. If it was only late, the second one finds the backtest claimed.
MESSAGE_TIMEOUT = timedelta(seconds=30)
MAX_ATTEMPTS = 3
TOO_MANY_ATTEMPTS = (
    f"The worker stopped {MAX_ATTEMPTS} times while it ran this backtest. Choose fewer symbols or a shorter "
    "period, or give the worker more memory, then run it again."
)


def recover_backtests(wall_now: datetime) -> list[int]:
    """Queue backtests of dead workers again; the ids to enqueue, which include those whose message was lost."""
    expired = Backtest.objects.filter(
        is_older("heartbeat_at", wall_now, HEARTBEAT_TIMEOUT), status=Backtest.Status.RUNNING
    )
    _change(
        expired.filter(attempts__gte=MAX_ATTEMPTS),
        status=Backtest.Status.FAILED,
        stage="",
        error=TOO_MANY_ATTEMPTS,
        finished_at=wall_now,
    )
    requeued = _change(
        expired.filter(attempts__lt=MAX_ATTEMPTS),
        status=Backtest.Status.QUEUED,
        stage="",
        progress=0,
        heartbeat_at=wall_now,
    )
    waiting = Backtest.objects.filter(
        is_older("heartbeat_at", wall_now, MESSAGE_TIMEOUT), status=Backtest.Status.QUEUED
    )
    return requeued + _change(waiting, heartbeat_at=wall_now)


def _change(rows: QuerySet[Backtest], **changes: object) -> list[int]:
    """Change each row that still matches the query; returns the ids of the changed rows."""
    changed = []
    for pk, user_id in rows.values_list("pk", "user_id"):
        if rows.filter(pk=pk).update(**changes):
            bump_version(user_id)
            changed.append(pk)
    return changed
