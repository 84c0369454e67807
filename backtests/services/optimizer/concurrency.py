"""Lanes: how many chunks of one run are in hand, that is sent to the queue or worked on, at a time.

A chunk that is done hands out the next. So a large run never fills the queue, and other people's backtests get
their turn between two of its chunks. A message names its chunk: one that comes late, or twice, finds it taken.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Q

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.queue import enqueue_chunk

CONCURRENT_CHUNKS = 2
ACTIVE = (OptimizerRun.Status.QUEUED, OptimizerRun.Status.RUNNING)
Status = OptimizerChunk.Status


def concurrent_chunks_of(run: OptimizerRun) -> int:
    """A batch of the estimator is chosen by the ones before it: one after the other."""
    return 1 if run.method == OptimizerRun.Method.TPE else CONCURRENT_CHUNKS


def hand_out(run: OptimizerRun, wall_now: datetime) -> None:
    """Send the next chunks to the queue, one for each lane that is free; with none left the last one again, whose
    message then ends the run. Call it in a transaction that holds the run's row.

    A run that is paused or has ended gets none.
    """
    if not OptimizerRun.objects.filter(pk=run.pk, status__in=ACTIVE).exists():
        return
    sent = Q(status=Status.QUEUED, heartbeat_at__isnull=False)
    free = concurrent_chunks_of(run) - run.chunks.filter(Q(status=Status.RUNNING) | sent).count()
    waiting = run.chunks.filter(status=Status.QUEUED, heartbeat_at=None).order_by("number")
    numbers = list(waiting.values_list("number", flat=True)[: max(free, 0)])
    run.chunks.filter(number__in=numbers, status=Status.QUEUED).update(heartbeat_at=wall_now)
    if not run.chunks.exclude(status=Status.DONE).exists():
        numbers = list(run.chunks.order_by("-number").values_list("number", flat=True)[:1])
    send(run.pk, numbers)


def send(run_id: int, numbers: Sequence[int]) -> None:
    """After the commit. Robust: when the queue cannot be reached, `revive` sends them later."""
    for number in numbers:
        transaction.on_commit(partial(enqueue_chunk, run_id, number), robust=True)
