"""Running one chunk of a run, from the claim to the stored result."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from threading import Event

import numpy as np
from django.db import InterfaceError, OperationalError
from django.db.models import Sum

from backtests.engine.simulation import Scenario
from backtests.models import OptimizerChunk, OptimizerRun
from backtests.research.optimizer.figures import FIGURES, Figures, without_yearly
from backtests.research.optimizer.objectives import Objective, eligible, scores
from backtests.research.optimizer.sampling import Batch, grid_batch, random_batch
from backtests.research.optimizer.sweep import sweep_trials
from backtests.research.optimizer.tpe import next_batch
from backtests.research.robustness.trials import Trials
from backtests.services.failures import EmptyPeriod, reason_of
from backtests.services.lease import LeaseLost, with_heartbeat
from backtests.services.optimizer.create import grid_of
from backtests.services.optimizer.finish import discard, finish
from backtests.services.optimizer.lease import ChunkLease, Paused
from backtests.services.optimizer.result_shards import ELIGIBILITY_COLUMNS, read_shard, write_shard
from backtests.services.optimizer.universes import kinds_of, ranked_strategies_in, require_unchanged, scenario_of
from strategies.kinds import kinds, make_kind
from tradedesk.core.bars import session_dates
from tradedesk.core.metrics import is_yearly

log = logging.getLogger(__name__)

# Combinations between two checks whether to stop: the number doubles after each batch that took less time.
FIRST_BATCH = 128
SECONDS_A_BATCH = 0.25
Evaluated = tuple[Figures, Trials]


def run_chunk(run_id: int, number: int, wall_clock: Callable[[], datetime]) -> None:
    """Run this chunk if it is still queued, and enqueue the next one; after the last chunk, finish the run."""
    lease = ChunkLease.claim(run_id, number, wall_clock)
    if lease is not None:
        _run_claimed(lease)
    finish(run_id, wall_clock)


def _run_claimed(lease: ChunkLease) -> None:
    run_id = lease.chunk.run_id
    try:
        try:
            _compute(lease)
        except (LeaseLost, Paused, InterfaceError, OperationalError):
            raise
        except Exception as error:
            lease.fail(reason_of(error, "optimizer run", run_id))
    except Paused:
        lease.release()
    except LeaseLost:
        log.info("A chunk of optimizer run %s was cancelled or given to another worker", run_id)
        discard(run_id)
    except (InterfaceError, OperationalError):
        # The run is not at fault: recovery queues the chunk again after the heartbeat timeout.
        log.warning("The database could not be reached for optimizer run %s", run_id, exc_info=True)


def _compute(lease: ChunkLease) -> None:
    chunk, run = lease.chunk, lease.chunk.run
    scenario = scenario_of(run, chunk.universe)
    require_unchanged(run, kinds_of(run))
    if not len(scenario.benchmark.time):
        symbols = ", ".join(run.symbols_of(chunk.universe))
        raise EmptyPeriod(f"There are no bars of {symbols} from {run.start_date} to {run.end_date}.")
    batch = _batch_of(chunk)
    lease.heartbeat()
    figures, trials = _evaluate(lease, scenario, batch)
    score = scores(figures, Objective(run.objective), run.weights)
    first, last = session_dates(scenario.benchmark.time[[0, -1]]).tolist()
    if not is_yearly((last - first).days):
        figures = without_yearly(figures)
    write_shard(chunk, batch, figures, score)
    lease.complete(batch, figures, score, trials, (first, last))


def _batch_of(chunk: OptimizerChunk) -> Batch:
    run = chunk.run
    if not run.is_search:
        ranked_strategies = ranked_strategies_in(run, chunk.universe)[chunk.first : chunk.first + chunk.size]
        return [(index, ranked_strategy["parameters"]) for index, ranked_strategy in ranked_strategies]
    kind, grid = kinds()[run.kind], grid_of(run)
    if run.method == OptimizerRun.Method.GRID:
        return grid_batch(kind, grid, chunk.first, chunk.size)
    if run.method == OptimizerRun.Method.RANDOM:
        total = run.chunks.filter(universe=chunk.universe).aggregate(total=Sum("size"))["total"]
        return random_batch(kind, grid, run.seed, chunk.first, chunk.size, total)
    return next_batch(kind, grid, run.seed, _earlier_scores(chunk), chunk.size)


def _earlier_scores(chunk: OptimizerChunk) -> list[tuple[int, float | None]]:
    """The numbers that the chunks before this one have tested in its universe, with their scores."""
    done = chunk.run.chunks.filter(universe=chunk.universe, status=OptimizerChunk.Status.DONE)
    known: list[tuple[int, float | None]] = []
    for number in done.order_by("number").values_list("number", flat=True):
        shard = {name: read_shard(chunk.run_id, number).column(name).to_numpy() for name in ELIGIBILITY_COLUMNS}
        # A combination that is not eligible must not attract the search.
        fit = eligible(shard, shard["score"], chunk.run.min_trades)
        rows = zip(shard["number"].tolist(), shard["score"].tolist(), fit.tolist(), strict=True)
        known += [(index, score if counts else None) for index, score, counts in rows]
    return known


def _evaluate(lease: ChunkLease, scenario: Scenario, batch: Batch) -> Evaluated:
    stopped = Event()

    def heartbeat() -> None:
        try:
            lease.heartbeat()
        except (LeaseLost, Paused):
            stopped.set()
            raise

    evaluate = _evaluate_search if lease.chunk.run.is_search else _evaluate_ranking
    evaluated = with_heartbeat(lambda: evaluate(lease.chunk.run, scenario, batch, stopped.is_set), heartbeat)
    lease.heartbeat()
    return evaluated


def _evaluate_search(run: OptimizerRun, scenario: Scenario, batch: Batch, stop: Callable[[], bool]) -> Evaluated:
    found, trials = np.empty(len(batch), FIGURES), list[Trials]()
    first, size = 0, FIRST_BATCH
    while first < len(batch) and not stop():
        began = time.perf_counter()
        part = [combination for _, combination in batch[first : first + size]]
        found[first : first + len(part)], tried = sweep_trials(scenario, kinds()[run.kind], part)
        trials.append(tried)
        first += len(part)
        if time.perf_counter() - began < SECONDS_A_BATCH:
            size *= 2
    return found, Trials.joined(trials)


def _evaluate_ranking(run: OptimizerRun, scenario: Scenario, batch: Batch, stop: Callable[[], bool]) -> Evaluated:
    found, trials = np.empty(len(batch), FIGURES), list[Trials]()
    for row, (index, parameters) in enumerate(batch):
        if stop():
            break
        kind = make_kind(run.ranked_strategies[index]["kind"], parameters)
        found[row : row + 1], tried = sweep_trials(scenario, type(kind), [kind.parameters])
        trials.append(tried)
    return found, Trials.joined(trials)
