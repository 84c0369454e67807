"""Lanes: how many chunks of one run wait in the queue or are worked on at a time.

Each chunk enqueues the next when it is done. So a large run never fills the queue, and other people's backtests
get their turn between two of its chunks.
"""

from backtests.models import OptimizerRun
from backtests.services.queue import enqueue_chunk

LANES = 2


def lanes_of(run: OptimizerRun) -> int:
    """A batch of the estimator is chosen by the ones before it: one after the other."""
    return 1 if run.method == OptimizerRun.Method.TPE else LANES


def enqueue_lanes(run: OptimizerRun) -> None:
    """Raises kombu's OperationalError when the queue cannot be reached; the sweep then tries again."""
    for _ in range(min(lanes_of(run), run.chunks.exclude(status="done").count() or 1)):
        enqueue_chunk(run.pk)
