"""Finishing a run: its shards become one file, its scores a histogram, and the trader is notified."""

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from django.db import InterfaceError, OperationalError, transaction

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.failures import NoValidCombinations, reason_of
from backtests.services.optimizer.lease import fail_run
from backtests.services.optimizer.result_shards import delete_files, delete_shards, merge_shards, results_path
from backtests.services.queue import enqueue_run_evidence
from tradedesk.accounts.changes import bump_version
from tradedesk.core.bars import Floats
from tradedesk.marketdata.clock import market_clock
from tradedesk.notifications.events import Event
from tradedesk.notifications.services import notify

MERGING = "Merging the results"
BINS = 40
# The bins span the scores between these percentiles; the scores outside count in the first and the last bin.
PERCENTILES = (0.5, 99.5)
EQUAL = 1e-9  # relative: a smaller span counts as no span


def finish(run_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Complete a run whose chunks are all done; does nothing for any other run, or if another worker completes
    it."""
    unfinished = OptimizerChunk.objects.filter(run_id=run_id).exclude(status=OptimizerChunk.Status.DONE)
    if unfinished.exists():
        return
    running = OptimizerRun.objects.filter(pk=run_id, status=OptimizerRun.Status.RUNNING)
    if running.filter(stage="").update(stage=MERGING, heartbeat_at=wall_clock()) != 1:
        return
    run = OptimizerRun.objects.select_related("user").get(pk=run_id)
    try:
        _complete(run, wall_clock)
    except (InterfaceError, OperationalError):
        raise  # the database failed and not the run: recovery restarts it
    except Exception as error:
        fail_run(run_id, run.user_id, reason_of(error, "optimizer run", run_id), wall_clock())


def discard(run_id: int) -> None:
    """Delete the files that a worker has written after the run ended or was deleted; results of a completed run
    stay."""
    status = OptimizerRun.objects.filter(pk=run_id).values_list("status", flat=True).first()
    if status == OptimizerRun.Status.COMPLETED:
        delete_shards(run_id)
    elif status is None or status in OptimizerRun.FINISHED:
        delete_files(run_id)


def _complete(run: OptimizerRun, wall_clock: Callable[[], datetime]) -> None:
    merging = OptimizerRun.objects.filter(pk=run.pk, status=OptimizerRun.Status.RUNNING, stage=MERGING)
    scores_by_shard: dict[str, list[Floats]] = {}
    for shard in merge_shards(run.pk, list(run.chunks.order_by("number").values_list("number", flat=True))):
        universe = shard.column("universe")[0].as_py()
        scores_by_shard.setdefault(universe, []).append(shard.column("score").to_numpy())
        merging.update(heartbeat_at=wall_clock())
    if not scores_by_shard:
        raise NoValidCombinations("The strategy accepts none of these combinations. Choose other ranges.")
    scores = {universe: np.concatenate(each) for universe, each in scores_by_shard.items()}
    tested = sum(len(each) for each in scores.values())
    with transaction.atomic():
        completed = merging.update(
            status=OptimizerRun.Status.COMPLETED,
            stage="",
            finished_at=wall_clock(),
            histograms={
                universe: {**score_histogram(each), "tested": len(each)} for universe, each in scores.items()
            },
            results_path=results_path(run.pk),
        )
        if not completed:
            discard(run.pk)
            return
        notify(
            run.user,
            Event.RESEARCH_FINISHED,
            _completed_message(run, tested),
            f"/dashboard/optimizer/{run.pk}",
            market_clock().now(),
        )
        transaction.on_commit(lambda: enqueue_run_evidence(run.pk), robust=True)
    bump_version(run.user_id)
    delete_shards(run.pk)


def score_histogram(scores: Sequence[float] | Floats) -> dict[str, list[float]]:
    """{"edges": k + 1 numbers, "counts": k numbers} of all scores that are defined; empty lists for none."""
    known = np.asarray(scores, float)
    known = known[np.isfinite(known)]
    if not len(known):
        return {"edges": [], "counts": []}
    low, high = np.percentile(known, PERCENTILES)
    if high - low <= EQUAL * max(abs(low), abs(high), 1.0):
        low, high = known.min() - 0.5, known.max() + 0.5
    counts, edges = np.histogram(np.clip(known, low, high), BINS, (low, high))
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def _completed_message(run: OptimizerRun, tested: int) -> str:
    subject = f"The search of “{run.strategy_name}”" if run.is_search else "The ranking"
    note = ""
    if tested < run.combinations:
        fewer = f"{run.combinations - tested:,}"
        is_grid = run.method == OptimizerRun.Method.GRID
        note = (
            f", {fewer} are invalid for this strategy"
            if is_grid
            else f", {fewer} fewer than requested, because the strategy accepts no more"
        )
    symbols = ", ".join(run.symbols[:5])
    return f"{subject} on {symbols} is complete: {tested:,} combination{'' if tested == 1 else 's'} tested{note}."
