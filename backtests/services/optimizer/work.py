"""Working on a run: one chunk after the other, from the claim to the stored result."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from threading import Event

import numpy as np
from django.db import InterfaceError, OperationalError
from django.db.models import Sum

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.optimizer.choice import Chosen, at_random, of_grid
from backtests.optimizer.figures import FIGURES, Figures
from backtests.optimizer.objectives import Objective, eligible, scores
from backtests.optimizer.sweep import sweep
from backtests.optimizer.tpe import next_batch
from backtests.services.failures import EmptyPeriod, reason_of
from backtests.services.optimizer.attempt import ChunkAttempt, ChunkLost, Paused
from backtests.services.optimizer.create import grid_of
from backtests.services.optimizer.finish import discard, finish
from backtests.services.optimizer.markets import entrants_in, refuse_changes, scenario_of
from backtests.services.optimizer.parts import JUDGED, read_part, write_part
from backtests.services.watch import BEAT, watched
from backtests.simulation import Scenario
from strategies.kinds import kinds, make_kind
from tradedesk.core.bars import session_dates

log = logging.getLogger(__name__)

# Combinations between two looks at whether to stop: few at first, then twice as many each time one took less.
FIRST_BATCH = 128
SECONDS_A_BATCH = 0.25


def run_chunk(run_id: int, number: int, wall_clock: Callable[[], datetime]) -> None:
    """Work on this chunk, if it still waits, and hand out the next; after the last one, end the run."""
    attempt = ChunkAttempt.claim(run_id, number, wall_clock)
    if attempt is not None:
        _attempt(attempt)
    finish(run_id, wall_clock)


def _attempt(attempt: ChunkAttempt) -> None:
    run_id = attempt.chunk.run_id
    try:
        try:
            _work(attempt)
        except (ChunkLost, Paused, InterfaceError, OperationalError):
            raise
        except Exception as error:
            attempt.fail(reason_of(error, "optimizer run", run_id))
    except Paused:
        attempt.give_back()
    except ChunkLost:
        log.info("A chunk of optimizer run %s was cancelled or given to another worker", run_id)
        discard(run_id)
    except (InterfaceError, OperationalError):
        # No fault of the run's: when the chunk has been silent for a while, it is taken up again.
        log.warning("The database was out of reach of optimizer run %s", run_id, exc_info=True)


def _work(attempt: ChunkAttempt) -> None:
    chunk, run = attempt.chunk, attempt.chunk.run
    scenario = scenario_of(run, chunk.market)
    refuse_changes(run)
    if not len(scenario.benchmark.time):
        symbols = ", ".join(run.symbols_of(chunk.market))
        raise EmptyPeriod(f"There are no bars of {symbols} from {run.start_date} to {run.end_date}.")
    chosen = _chosen(chunk)
    attempt.beat()
    figures = _figures(attempt, scenario, chosen)
    score = scores(figures, Objective(run.objective), run.weights)
    write_part(chunk, chosen, figures, score)
    first, last = session_dates(scenario.benchmark.time[[0, -1]]).tolist()
    attempt.complete(chosen, figures, score, (first, last))


def _chosen(chunk: OptimizerChunk) -> Chosen:
    run = chunk.run
    if not run.is_search:
        entrants = entrants_in(run, chunk.market)[chunk.first : chunk.first + chunk.size]
        return [(place, entrant["parameters"]) for place, entrant in entrants]
    kind, grid = kinds()[run.kind], grid_of(run)
    if run.method == OptimizerRun.Method.GRID:
        return of_grid(kind, grid, chunk.first, chunk.size)
    if run.method == OptimizerRun.Method.RANDOM:
        total = run.chunks.filter(market=chunk.market).aggregate(total=Sum("size"))["total"]
        return at_random(kind, grid, run.seed, chunk.first, chunk.size, total)
    return next_batch(kind, grid, run.seed, _known(chunk), chunk.size)


def _known(chunk: OptimizerChunk) -> list[tuple[int, float | None]]:
    """The numbers of what the batches before this one have tried in its market, with the scores."""
    done = chunk.run.chunks.filter(market=chunk.market, status=OptimizerChunk.Status.DONE)
    known: list[tuple[int, float | None]] = []
    for number in done.order_by("number").values_list("number", flat=True):
        part = {name: read_part(chunk.run_id, number).column(name).to_numpy() for name in JUDGED}
        # A row that could not stand first must not draw the search to it.
        fit = eligible(part, part["score"], chunk.run.min_trades)
        rows = zip(part["number"].tolist(), part["score"].tolist(), fit.tolist(), strict=True)
        known += [(place, score if counts else None) for place, score, counts in rows]
    return known


def _figures(attempt: ChunkAttempt, scenario: Scenario, chosen: Chosen) -> Figures:
    given_up = Event()

    def beat() -> None:
        try:
            attempt.beat()
        except (ChunkLost, Paused):
            given_up.set()
            raise

    try_them = _of_search if attempt.chunk.run.is_search else _of_ranking
    figures = watched(lambda: try_them(attempt.chunk.run, scenario, chosen, given_up.is_set), beat, BEAT)
    attempt.beat()
    return figures


def _of_search(run: OptimizerRun, scenario: Scenario, chosen: Chosen, stop: Callable[[], bool]) -> Figures:
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


def _of_ranking(run: OptimizerRun, scenario: Scenario, chosen: Chosen, stop: Callable[[], bool]) -> Figures:
    found = np.empty(len(chosen), FIGURES)
    for row, (place, parameters) in enumerate(chosen):
        if stop():
            break
        kind = make_kind(run.entrants[place]["kind"], parameters)
        found[row] = sweep(scenario, type(kind), [kind.parameters])[0]
    return found
