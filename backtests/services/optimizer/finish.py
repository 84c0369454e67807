"""The end of a run: all parts become one file, all scores one histogram, and the trader is told."""

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from django.db import InterfaceError, OperationalError, transaction

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.failures import NothingFits, reason_of
from backtests.services.optimizer.lease import fail_run
from backtests.services.optimizer.result_shards import delete_files, delete_shards, merge, results_path
from backtests.services.queue import enqueue_run_evidence
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.services import notify
from tradedesk.core.bars import Floats
from tradedesk.marketdata.clock import market_clock

MERGING = "Merging the results"
BINS = 40
# The bins span what lies between these percentiles; the few scores beyond count in the bins at the ends.
SPAN = (0.5, 99.5)
EQUAL = 1e-9  # of their size: scores closer than this are one bin's


def finish(run_id: int, wall_clock: Callable[[], datetime]) -> None:
    """End a run whose chunks are all done; nothing to do for any other, or when another worker is at it."""
    unfinished = OptimizerChunk.objects.filter(run_id=run_id).exclude(status=OptimizerChunk.Status.DONE)
    if unfinished.exists():
        return
    running = OptimizerRun.objects.filter(pk=run_id, status=OptimizerRun.Status.RUNNING)
    if running.filter(stage="").update(stage=MERGING, heartbeat_at=wall_clock()) != 1:
        return
    run = OptimizerRun.objects.select_related("user").get(pk=run_id)
    try:
        _end(run, wall_clock)
    except (InterfaceError, OperationalError):
        raise  # no fault of the run's: it is set going again when it has stood still for a while
    except Exception as error:
        fail_run(run_id, run.user_id, reason_of(error, "optimizer run", run_id), wall_clock())


def discard(run_id: int) -> None:
    """Delete what a worker has written after the end of a run; of one that was completed the results stay."""
    status = OptimizerRun.objects.filter(pk=run_id).values_list("status", flat=True).first()
    if status == OptimizerRun.Status.COMPLETED:
        delete_shards(run_id)
    elif status is None or status in OptimizerRun.FINISHED:
        delete_files(run_id)


def _end(run: OptimizerRun, wall_clock: Callable[[], datetime]) -> None:
    merging = OptimizerRun.objects.filter(pk=run.pk, status=OptimizerRun.Status.RUNNING, stage=MERGING)
    found: dict[str, list[Floats]] = {}
    for part in merge(run.pk, list(run.chunks.order_by("number").values_list("number", flat=True))):
        universe = part.column("universe")[0].as_py()
        found.setdefault(universe, []).append(part.column("score").to_numpy())
        merging.update(heartbeat_at=wall_clock())
    if not found:
        raise NothingFits("No combination fits the strategy's own rule. Choose other ranges.")
    scores = {universe: np.concatenate(some) for universe, some in found.items()}
    tried = sum(len(some) for some in scores.values())
    with transaction.atomic():
        completed = merging.update(
            status=OptimizerRun.Status.COMPLETED,
            stage="",
            finished_at=wall_clock(),
            histograms={universe: {**histogram(some), "tried": len(some)} for universe, some in scores.items()},
            results_path=results_path(run.pk),
        )
        if not completed:
            discard(run.pk)
            return
        notify(run.user, "success", _words(run, tried), f"/dashboard/optimizer/{run.pk}", market_clock().now())
        transaction.on_commit(lambda: enqueue_run_evidence(run.pk), robust=True)
    bump_version(run.user_id)
    delete_shards(run.pk)


def histogram(scores: Sequence[float] | Floats) -> dict[str, list[float]]:
    """{"edges": k + 1 numbers, "counts": k} of all scores that are defined; empty lists for none."""
    known = np.asarray(scores, float)
    known = known[np.isfinite(known)]
    if not len(known):
        return {"edges": [], "counts": []}
    low, high = np.percentile(known, SPAN)
    if high - low <= EQUAL * max(abs(low), abs(high), 1.0):
        low, high = known.min() - 0.5, known.max() + 0.5
    counts, edges = np.histogram(np.clip(known, low, high), BINS, (low, high))
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _words(run: OptimizerRun, tried: int) -> str:
    what = f"The search of “{run.strategy_name}”" if run.is_search else "The ranking"
    left_out = ""
    if tried < run.combinations:
        fewer = f"{run.combinations - tried:,}"
        of_grid = run.method == OptimizerRun.Method.GRID
        left_out = f", {fewer} left out by its own rule" if of_grid else f", {fewer} fewer than asked: no more fit"
    return f"{what} on {', '.join(run.symbols[:5])} is done: {tried:,} tried{left_out}."
