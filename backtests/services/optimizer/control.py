"""Pause, go on, cancel; and how long it will still take."""

from datetime import datetime

from django.db import transaction

from backtests.models import OptimizerRun
from backtests.services.optimizer.lanes import enqueue_lanes, lanes_of
from tradedesk.accounts.changes import touch

Status = OptimizerRun.Status


def pause(run: OptimizerRun, wall_now: datetime) -> bool:
    """False when it was neither waiting nor running. A worker that is at it gives its chunk back."""
    return _change(run, (Status.QUEUED, Status.RUNNING), status=Status.PAUSED, heartbeat_at=wall_now)


def resume(run: OptimizerRun, wall_now: datetime) -> bool:
    """False when it was not paused."""
    resumed = _change(run, (Status.PAUSED,), status=Status.RUNNING, heartbeat_at=wall_now)
    if resumed:
        transaction.on_commit(lambda: enqueue_lanes(run), robust=True)
    return resumed


def cancel(run: OptimizerRun, wall_now: datetime) -> bool:
    """False when it had already ended. What was found stays; a worker that is at it writes nothing more."""
    unfinished = (Status.QUEUED, Status.RUNNING, Status.PAUSED)
    return _change(run, unfinished, status=Status.CANCELLED, stage="", finished_at=wall_now)


def time_left(run: OptimizerRun) -> float | None:
    """Seconds, by what was needed for what is done; None before the first chunk and when it is not running."""
    if run.status != Status.RUNNING or not run.done:
        return None
    return run.worked / run.done * (run.combinations - run.done) / lanes_of(run)


def _change(run: OptimizerRun, states: tuple[Status, ...], **changes: object) -> bool:
    changed = OptimizerRun.objects.filter(pk=run.pk, status__in=states).update(**changes) == 1
    if changed:
        touch(run.user_id)
    return changed
