"""Concurrency: how many chunks of one run are queued or running at the same time.

A chunk that completes enqueues the next one. So a large run never fills the queue, and the backtests of other
users run between two of its chunks. A message names its chunk: a late or second one finds the chunk claimed.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.queue import enqueue_chunks

CONCURRENT_CHUNKS = 2
ACTIVE = (OptimizerRun.Status.QUEUED, OptimizerRun.Status.RUNNING)
Status = OptimizerChunk.Status


def concurrent_chunks_of(run: OptimizerRun) -> int:
    """1 for TPE, whose batches each depend on the ones before."""
    return 1 if run.method == OptimizerRun.Method.TPE else CONCURRENT_CHUNKS


def enqueue_next(run: OptimizerRun, wall_now: datetime) -> None:
    """Enqueue the next chunks, up to the concurrency of the run. When all are done, enqueue the last one again:
    its message then finishes the run. Does nothing for a run that is paused or has ended.

    Call it in a transaction that holds the run's row.
    """
    if not OptimizerRun.objects.filter(pk=run.pk, status__in=ACTIVE).exists():
        return
    enqueued = Q(status=Status.QUEUED, heartbeat_at__isnull=False)
    free = concurrent_chunks_of(run) - run.chunks.filter(Q(status=Status.RUNNING) | enqueued).count()
    waiting = run.chunks.filter(status=Status.QUEUED, heartbeat_at=None).order_by("number")
    numbers = list(waiting.values_list("number", flat=True)[: max(free, 0)])
    run.chunks.filter(number__in=numbers, status=Status.QUEUED).update(heartbeat_at=wall_now)
    if not run.chunks.exclude(status=Status.DONE).exists():
        numbers = list(run.chunks.order_by("-number").values_list("number", flat=True)[:1])
    enqueue_after_commit(run.pk, numbers)


def enqueue_after_commit(run_id: int, numbers: Sequence[int]) -> None:
    """If the queue cannot be reached, recovery enqueues the chunks later."""
    transaction.on_commit(lambda: enqueue_chunks(run_id, numbers), robust=True)
