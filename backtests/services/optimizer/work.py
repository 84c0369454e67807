"""Working on a run: one chunk after the other, from the claim to the stored result."""

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
from backtests.research.optimizer.figures import FIGURES, Figures
from backtests.research.optimizer.objectives import Objective, eligible, scores
from backtests.research.optimizer.sampling import Batch, grid_batch, random_batch
from backtests.research.optimizer.sweep import sweep
from backtests.research.optimizer.tpe import next_batch
from backtests.services.failures import EmptyPeriod, reason_of
from backtests.services.lease import LeaseLost, with_heartbeat
from backtests.services.optimizer.create import grid_of
from backtests.services.optimizer.finish import discard, finish
from backtests.services.optimizer.lease import ChunkLease, Paused
from backtests.services.optimizer.result_shards import JUDGED, read_shard, write_shard
from backtests.services.optimizer.universes import candidate_strategies_in, refuse_changes, scenario_of
from strategies.kinds import kinds, make_kind
from tradedesk.core.bars import session_dates

log = logging.getLogger(__name__)

# Combinations between two looks at whether to stop: few at first, then twice as many each time one took less.
FIRST_BATCH = 128
SECONDS_A_BATCH = 0.25


def run_chunk(run_id: int, number: int, wall_clock: Callable[[], datetime]) -> None:
    """Work on this chunk, if it still waits, and hand out the next; after the last one, end the run."""
    lease = ChunkLease.claim(run_id, number, wall_clock)
    if lease is not None:
        _attempt(lease)
    finish(run_id, wall_clock)


def _attempt(lease: ChunkLease) -> None:
    run_id = lease.chunk.run_id
    try:
        try:
            _work(lease)
        except (LeaseLost, Paused, InterfaceError, OperationalError):
            raise
        except Exception as error:
            lease.fail(reason_of(error, "optimizer run", run_id))
    except Paused:
        lease.give_back()
    except LeaseLost:
        log.info("A chunk of optimizer run %s was cancelled or given to another worker", run_id)
        discard(run_id)
    except (InterfaceError, OperationalError):
        # No fault of the run's: when the chunk has been silent for a while, it is taken up again.
        log.warning("The database was out of reach of optimizer run %s", run_id, exc_info=True)


def _work(lease: ChunkLease) -> None:
    chunk, run = lease.chunk, lease.chunk.run
    scenario = scenario_of(run, chunk.universe)
    refuse_changes(run)
    if not len(scenario.benchmark.time):
        symbols = ", ".join(run.symbols_of(chunk.universe))
        raise EmptyPeriod(f"There are no bars of {symbols} from {run.start_date} to {run.end_date}.")
    chosen = _chosen(chunk)
    lease.beat()
    figures = _figures(lease, scenario, chosen)
    score = scores(figures, Objective(run.objective), run.weights)
    write_shard(chunk, chosen, figures, score)
    first, last = session_dates(scenario.benchmark.time[[0, -1]]).tolist()
    lease.complete(chosen, figures, score, (first, last))


def _chosen(chunk: OptimizerChunk) -> Batch:
    run = chunk.run
    if not run.is_search:
        candidate_strategies = candidate_strategies_in(run, chunk.universe)[chunk.first : chunk.first + chunk.size]
        return [(place, candidate_strategy["parameters"]) for place, candidate_strategy in candidate_strategies]
    kind, grid = kinds()[run.kind], grid_of(run)
    if run.method == OptimizerRun.Method.GRID:
        return grid_batch(kind, grid, chunk.first, chunk.size)
    if run.method == OptimizerRun.Method.RANDOM:
        total = run.chunks.filter(universe=chunk.universe).aggregate(total=Sum("size"))["total"]
        return random_batch(kind, grid, run.seed, chunk.first, chunk.size, total)
    return next_batch(kind, grid, run.seed, _known(chunk), chunk.size)


def _known(chunk: OptimizerChunk) -> list[tuple[int, float | None]]:
    """The numbers of what the batches before this one have tried in its universe, with the scores."""
    done = chunk.run.chunks.filter(universe=chunk.universe, status=OptimizerChunk.Status.DONE)
    known: list[tuple[int, float | None]] = []
    for number in done.order_by("number").values_list("number", flat=True):
        part = {name: read_shard(chunk.run_id, number).column(name).to_numpy() for name in JUDGED}
        # A row that could not stand first must not draw the search to it.
        fit = eligible(part, part["score"], chunk.run.min_trades)
        rows = zip(part["number"].tolist(), part["score"].tolist(), fit.tolist(), strict=True)
        known += [(place, score if counts else None) for place, score, counts in rows]
    return known


def _figures(lease: ChunkLease, scenario: Scenario, chosen: Batch) -> Figures:
    given_up = Event()

    def beat() -> None:
        try:
            lease.beat()
        except (LeaseLost, Paused):
            given_up.set()
            raise

    try_them = _of_search if lease.chunk.run.is_search else _of_ranking
    figures = with_heartbeat(lambda: try_them(lease.chunk.run, scenario, chosen, given_up.is_set), beat)
    lease.beat()
    return figures


def _of_search(run: OptimizerRun, scenario: Scenario, chosen: Batch, stop: Callable[[], bool]) -> Figures:
    found = np.empty(len(chosen), FIGURES)
    first, size = 0, FIRST_BATCH
    while first < len(chosen) and not stop():
        began = time.perf_counter()
        batch = [combination for _, combination in chosen[first : first + size]]
        found[first : first + len(batch)] = sweep(scenario, kinds()[run.kind], batch)
        first += len(batch)
        if time.perf_counter() - began < SECONDS_A_BATCH:
            size *= 2
    return found


def _of_ranking(run: OptimizerRun, scenario: Scenario, chosen: Batch, stop: Callable[[], bool]) -> Figures:
    found = np.empty(len(chosen), FIGURES)
    for row, (place, parameters) in enumerate(chosen):
        if stop():
            break
        kind = make_kind(run.candidate_strategies[place]["kind"], parameters)
        found[row] = sweep(scenario, type(kind), [kind.parameters])[0]
    return found
