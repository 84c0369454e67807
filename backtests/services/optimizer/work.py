"""Working on a run: one chunk after the other, from the claim to the stored result."""

import logging
from collections.abc import Callable
from datetime import datetime

import numpy as np

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.optimizer.choice import Chosen, at_random, of_grid
from backtests.optimizer.figures import FIGURES, Figures
from backtests.optimizer.objectives import Objective, scores
from backtests.optimizer.sweep import sweep
from backtests.optimizer.tpe import next_batch
from backtests.services.failures import EmptyPeriod, reason_of
from backtests.services.optimizer.attempt import ChunkAttempt, ChunkLost, Paused
from backtests.services.optimizer.create import grid_of
from backtests.services.optimizer.finish import finish
from backtests.services.optimizer.markets import entrants_in, scenario_of
from backtests.services.optimizer.parts import read_part, write_part
from backtests.services.queue import enqueue_chunk
from backtests.simulation import Scenario
from strategies.kinds import kinds, make_kind
from tradedesk.core.bars import to_datetime

log = logging.getLogger(__name__)

# Between two signs of life: a cancelled run is left after so many combinations at the latest.
BATCH = 100


def run_chunk(run_id: int, wall_clock: Callable[[], datetime]) -> None:
    """Work on the next chunk that waits and enqueue the one after; with none left, end the run."""
    attempt = ChunkAttempt.claim(run_id, wall_clock)
    if attempt is None:
        finish(run_id, wall_clock)
        return
    try:
        try:
            _work(attempt)
        except (ChunkLost, Paused):
            raise
        except Exception as error:
            attempt.fail(reason_of(error, "optimizer run", run_id))
            return
    except Paused:
        attempt.give_back()
        return
    except ChunkLost:
        log.info("A chunk of optimizer run %s was cancelled or given to another worker", run_id)
        return
    enqueue_chunk(run_id)


def _work(attempt: ChunkAttempt) -> None:
    chunk, run = attempt.chunk, attempt.chunk.run
    attempt.beat()
    scenario = scenario_of(run, chunk.market)
    if not len(scenario.benchmark.time):
        symbols = ", ".join(run.symbols_of(chunk.market))
        raise EmptyPeriod(f"There are no bars of {symbols} from {run.start_date} to {run.end_date}.")
    chosen = _chosen(chunk)
    figures = _figures(attempt, scenario, chosen)
    score = scores(figures, Objective(run.objective), run.weights)
    write_part(chunk, chosen, figures, score)
    attempt.complete(chosen, figures, score, to_datetime(scenario.benchmark.time[-1]))


def _chosen(chunk: OptimizerChunk) -> Chosen:
    run = chunk.run
    if not run.is_search:
        return [(place, entrant["parameters"]) for place, entrant in entrants_in(run, chunk.market)]
    kind, grid = kinds()[run.kind], grid_of(run)
    if run.method == OptimizerRun.Method.GRID:
        return of_grid(kind, grid, chunk.first, chunk.size)
    if run.method == OptimizerRun.Method.RANDOM:
        own = list(run.chunks.filter(market=chunk.market).values_list("number", flat=True))
        return at_random(kind, grid, run.seed, own.index(chunk.number), len(own), chunk.size)
    return next_batch(kind, grid, run.seed, _known(chunk), chunk.size)


def _known(chunk: OptimizerChunk) -> list[tuple[dict[str, int | float], float | None]]:
    """What the batches before this one have tried in its market, with the scores."""
    grid = grid_of(chunk.run)
    done = chunk.run.chunks.filter(market=chunk.market, status=OptimizerChunk.Status.DONE)
    known: list[tuple[dict[str, int | float], float | None]] = []
    for number in done.values_list("number", flat=True):
        part = read_part(chunk.run_id, number)
        if part.num_rows:
            rows = zip(part.column("number").to_pylist(), part.column("score").to_pylist(), strict=True)
            known += [(grid.at(place), score if np.isfinite(score) else None) for place, score in rows]
    return known


def _figures(attempt: ChunkAttempt, scenario: Scenario, chosen: Chosen) -> Figures:
    run = attempt.chunk.run
    found = np.empty(len(chosen), FIGURES)
    if run.is_search:
        for first in range(0, len(chosen), BATCH):
            batch = [combination for _, combination in chosen[first : first + BATCH]]
            found[first : first + len(batch)] = sweep(scenario, kinds()[run.kind], batch)
            attempt.beat()
        return found
    for row, (place, parameters) in enumerate(chosen):
        kind = make_kind(run.entrants[place]["kind"], parameters)
        found[row] = sweep(scenario, type(kind), [kind.parameters])[0]
        attempt.beat()
    return found
