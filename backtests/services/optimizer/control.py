"""Pausing, resuming, cancelling and deleting optimizer runs, and the remaining time."""

from datetime import datetime

from django.db import transaction
from django.db.models import Case, Value, When

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.optimizer.concurrency import concurrent_chunks_of, enqueue_next
from backtests.services.optimizer.result_shards import delete_files, delete_shards
from tradedesk.accounts.changes import bump_version

Status = OptimizerRun.Status


def pause(run: OptimizerRun, wall_now: datetime) -> bool:
    """False when it was neither queued nor running. A worker then releases its chunk."""
    return _change(run, (Status.QUEUED, Status.RUNNING), status=Status.PAUSED, stage="", heartbeat_at=wall_now)


def resume(run: OptimizerRun, wall_now: datetime) -> bool:
    """False when it was not paused."""
    status = Case(When(started_at=None, then=Value(Status.QUEUED)), default=Value(Status.RUNNING))
    with transaction.atomic():
        resumed = _change(run, (Status.PAUSED,), status=status, heartbeat_at=wall_now)
        if resumed:
            # Messages from before the pause found the run paused and did nothing.
            run.chunks.filter(status=OptimizerChunk.Status.QUEUED).update(heartbeat_at=None)
            enqueue_next(run, wall_now)
    return resumed


def cancel(run: OptimizerRun, wall_now: datetime) -> bool:
    """False when it had already ended. The candidates found so far stay; its workers write nothing more."""
    unfinished = (Status.QUEUED, Status.RUNNING, Status.PAUSED)
    cancelled = _change(run, unfinished, status=Status.CANCELLED, stage="", finished_at=wall_now)
    if cancelled:
        transaction.on_commit(lambda: delete_shards(run.pk), robust=True)
    return cancelled


def delete_run(run: OptimizerRun) -> None:
    """Delete a run with its candidates, their evidence and its files, whatever its status.

    Backtests and deployments made from a candidate stay, and the trial registry still counts the trials. A worker
    loses its lease and leaves nothing behind.
    """
    with transaction.atomic():
        # Locked with its candidates, so that no row that refers to them is created while Django collects the rows.
        for row in OptimizerRun.objects.select_for_update().filter(pk=run.pk):
            list(row.candidates.select_for_update().order_by("pk").values_list("pk", flat=True))
            row.delete()
        transaction.on_commit(lambda: delete_files(run.pk), robust=True)
    bump_version(run.user_id)


def time_left(run: OptimizerRun) -> float | None:
    """Seconds, estimated from the chunks that are done; None before the first one and when the run is not
    running."""
    if run.status != Status.RUNNING or not run.done:
        return None
    return run.worker_seconds / run.done * (run.combinations - run.done) / concurrent_chunks_of(run)


def _change(run: OptimizerRun, states: tuple[Status, ...], **changes: object) -> bool:
    changed = OptimizerRun.objects.filter(pk=run.pk, status__in=states).update(**changes) == 1
    if changed:
        bump_version(run.user_id)
    return changed
