"""What a dead worker or a lost message has left of a run goes on, or ends with a reason."""

from datetime import datetime, timedelta

from django.db.models import Q

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.optimizer.attempt import ACTIVE, fail_run
from tradedesk.accounts.changes import touch

# A batch of combinations takes seconds; a worker that is silent for so long is gone.
SILENT = timedelta(seconds=60)
# Nothing moves in a run: its messages are lost. One that is only late finds nothing to do.
STALLED = timedelta(seconds=30)
MOST_ATTEMPTS = 3
GIVEN_UP = (
    f"The worker stopped {MOST_ATTEMPTS} times at the same combinations. Choose fewer symbols or a shorter "
    "period, or give the worker more memory, then run it again."
)


def revive(wall_now: datetime) -> list[int]:
    """The ids of runs to enqueue a chunk of: once for each lane that has stopped."""
    silent = OptimizerChunk.objects.filter(
        status=OptimizerChunk.Status.RUNNING, heartbeat_at__lt=wall_now - SILENT, run__status__in=ACTIVE
    )
    for run_id, user_id in silent.filter(attempts__gte=MOST_ATTEMPTS).values_list("run_id", "run__user_id"):
        fail_run(run_id, user_id, GIVEN_UP, wall_now)
    again: list[int] = []
    for pk, run_id, user_id in silent.filter(attempts__lt=MOST_ATTEMPTS).values_list(
        "pk", "run_id", "run__user_id"
    ):
        still = OptimizerChunk.objects.filter(
            pk=pk, status=OptimizerChunk.Status.RUNNING, heartbeat_at__lt=wall_now - SILENT
        )
        if still.update(status=OptimizerChunk.Status.QUEUED, heartbeat_at=None):
            touch(user_id)
            again.append(run_id)
    stalled = OptimizerRun.objects.filter(status__in=ACTIVE, heartbeat_at__lt=wall_now - STALLED)
    for run in stalled.filter(~Q(chunks__status=OptimizerChunk.Status.RUNNING)).distinct():
        # A merge whose worker died begins anew.
        moved = OptimizerRun.objects.filter(pk=run.pk, heartbeat_at=run.heartbeat_at).update(
            heartbeat_at=wall_now, stage=""
        )
        again += [run.pk] * moved
    return again
