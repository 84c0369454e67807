"""Recovery of runs whose worker died or whose message was lost: they continue, or fail with a reason."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.optimizer.concurrency import ACTIVE, enqueue_after_commit, enqueue_next
from backtests.services.optimizer.lease import fail_run
from tradedesk.accounts.changes import bump_version
from tradedesk.wall_time import is_older

# A worker sends a heartbeat every second; without one for a minute it counts as dead.
HEARTBEAT_TIMEOUT = timedelta(seconds=60)
# After this time a message counts as lost. If it was only late, the second one finds its chunk claimed.
MESSAGE_TIMEOUT = timedelta(seconds=30)
MAX_ATTEMPTS = 3
TOO_MANY_ATTEMPTS = (
    f"The worker stopped {MAX_ATTEMPTS} times at the same combinations. Choose fewer symbols or a shorter "
    "period, or give the worker more memory, then run it again."
)
Status = OptimizerChunk.Status


def recover_runs(wall_now: datetime) -> None:
    """Queue the chunks of dead workers again, enqueue lost messages again, and restart stalled runs."""
    expired = is_older("heartbeat_at", wall_now, HEARTBEAT_TIMEOUT) & Q(status=Status.RUNNING)
    not_started = is_older("heartbeat_at", wall_now, MESSAGE_TIMEOUT) & Q(status=Status.QUEUED)
    chunks = OptimizerChunk.objects.filter(run__status__in=ACTIVE)
    given_up = chunks.filter(expired, attempts__gte=MAX_ATTEMPTS)
    for run_id, user_id in given_up.values_list("run_id", "run__user_id"):
        fail_run(run_id, user_id, TOO_MANY_ATTEMPTS, wall_now)
    lost = chunks.filter(expired | not_started)
    for pk, run_id, number, user_id in lost.values_list("pk", "run_id", "number", "run__user_id"):
        # Without the join: after a concurrent write PostgreSQL checks only the columns of the row itself again.
        still_lost = OptimizerChunk.objects.filter(expired | not_started, pk=pk)
        if still_lost.update(status=Status.QUEUED, heartbeat_at=wall_now):
            bump_version(user_id)
            enqueue_after_commit(run_id, [number])
    _restart_stalled_runs(wall_now)


def _restart_stalled_runs(wall_now: datetime) -> None:
    """Restart active runs without a queued or running chunk, for example after the worker that merged died."""
    active_chunks = OptimizerChunk.objects.exclude(status=Status.DONE).exclude(
        Q(status=Status.QUEUED, heartbeat_at=None)
    )
    stalled = OptimizerRun.objects.filter(
        is_older("heartbeat_at", wall_now, MESSAGE_TIMEOUT), status__in=ACTIVE
    ).exclude(pk__in=active_chunks.values("run_id"))
    for run in stalled.only("pk", "method"):
        with transaction.atomic():
            if stalled.filter(pk=run.pk).update(heartbeat_at=wall_now, stage=""):
                enqueue_next(run, wall_now)
