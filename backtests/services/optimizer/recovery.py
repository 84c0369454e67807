"""What a dead worker or a lost message has left of a run goes on, or ends with a reason."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.optimizer.concurrency import ACTIVE, hand_out, send
from backtests.services.optimizer.lease import fail_run
from tradedesk.accounts.changes import bump_version

# A worker says every second that it is alive; one that is silent for a minute is gone.
SILENT = timedelta(seconds=60)
# A message may be lost; when it is only late, the second one finds its chunk taken.
NOT_STARTED = timedelta(seconds=30)
MAX_ATTEMPTS = 3
GIVEN_UP = (
    f"The worker stopped {MAX_ATTEMPTS} times at the same combinations. Choose fewer symbols or a shorter "
    "period, or give the worker more memory, then run it again."
)
Status = OptimizerChunk.Status


def recover_runs(wall_now: datetime) -> None:
    """Chunks of dead workers wait again, lost messages are sent again, and a run without either is set going."""
    silent = Q(status=Status.RUNNING, heartbeat_at__lt=wall_now - SILENT)
    unheard = Q(status=Status.QUEUED, heartbeat_at__lt=wall_now - NOT_STARTED)
    chunks = OptimizerChunk.objects.filter(run__status__in=ACTIVE)
    worn_out = chunks.filter(silent, attempts__gte=MAX_ATTEMPTS)
    for run_id, user_id in worn_out.values_list("run_id", "run__user_id"):
        fail_run(run_id, user_id, GIVEN_UP, wall_now)
    lost = chunks.filter(silent | unheard)
    for pk, run_id, number, user_id in lost.values_list("pk", "run_id", "number", "run__user_id"):
        # Without the join: PostgreSQL looks again at the row's own columns alone when another writer was first.
        still_lost = OptimizerChunk.objects.filter(silent | unheard, pk=pk)
        if still_lost.update(status=Status.QUEUED, heartbeat_at=wall_now):
            bump_version(user_id)
            send(run_id, [number])
    _set_going(wall_now)


def _set_going(wall_now: datetime) -> None:
    """Runs with no chunk in hand: their merge has died with its worker, or they wait for nothing."""
    in_hand = OptimizerChunk.objects.exclude(status=Status.DONE).exclude(
        Q(status=Status.QUEUED, heartbeat_at=None)
    )
    still = OptimizerRun.objects.filter(status__in=ACTIVE, heartbeat_at__lt=wall_now - NOT_STARTED).exclude(
        pk__in=in_hand.values("run_id")
    )
    for run in still.only("pk", "method"):
        with transaction.atomic():
            if still.filter(pk=run.pk).update(heartbeat_at=wall_now, stage=""):
                hand_out(run, wall_now)
