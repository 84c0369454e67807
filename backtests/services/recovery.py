"""The sweep: what a dead worker or a lost message has left behind goes on, or ends with a reason."""

from datetime import datetime, timedelta

from django.db.models import QuerySet

from backtests.models import Backtest
from tradedesk.accounts.changes import bump_version

# A worker says every second that it is alive; one that is silent for a minute is gone.
SILENT = timedelta(seconds=60)
# The message may be lost; if it is only late, the second one finds the backtest claimed and does nothing.
NOT_STARTED = timedelta(seconds=30)
MAX_ATTEMPTS = 3
GIVEN_UP = (
    f"The worker stopped {MAX_ATTEMPTS} times while it ran this backtest. Choose fewer symbols or a shorter "
    "period, or give the worker more memory, then run it again."
)


def recover_backtests(wall_now: datetime) -> list[int]:
    """The ids to enqueue: backtests of dead workers, queued again, and those that no worker has heard of."""
    silent = Backtest.objects.filter(status=Backtest.Status.RUNNING, heartbeat_at__lt=wall_now - SILENT)
    _change(
        silent.filter(attempts__gte=MAX_ATTEMPTS),
        status=Backtest.Status.FAILED,
        stage="",
        error=GIVEN_UP,
        finished_at=wall_now,
    )
    queued_again = _change(
        silent.filter(attempts__lt=MAX_ATTEMPTS),
        status=Backtest.Status.QUEUED,
        stage="",
        progress=0,
        heartbeat_at=wall_now,
    )
    waiting = Backtest.objects.filter(status=Backtest.Status.QUEUED, heartbeat_at__lt=wall_now - NOT_STARTED)
    return queued_again + _change(waiting, heartbeat_at=wall_now)


def _change(rows: QuerySet[Backtest], **changes: object) -> list[int]:
    """Change each of the rows that is still as the query says; the ids of those."""
    changed = []
    for pk, user_id in rows.values_list("pk", "user_id"):
        if rows.filter(pk=pk).update(**changes):
            bump_version(user_id)
            changed.append(pk)
    return changed
