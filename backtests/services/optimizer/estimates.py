"""The number of combinations of a search and its estimated duration, before it starts."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.models import OptimizerRun
from backtests.research.optimizer.grid import Grid, Range
from backtests.research.optimizer.sampling import count_accepted, random_batch
from backtests.research.optimizer.sweep import sweep
from backtests.research.robustness.walk_forward import HOLDOUT
from backtests.services.bars import UnusableBars, load_usable
from backtests.services.optimizer.concurrency import CONCURRENT_CHUNKS
from backtests.services.optimizer.inputs import checked_grid, combinations_in
from strategies.kinds import Kind, kinds
from strategies.models import Strategy
from tradedesk.core.bars import InvalidBars
from tradedesk.core.rules import Costs, RiskRules, fully_invested
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.sessions import daily_time
from tradedesk.marketdata.store import DamagedBars

# Up to this size the combinations of a grid that the kind's own rule accepts are counted.
MAX_COUNTED = 20_000
# The timing runs at most this many combinations, and stops after this many seconds.
SAMPLE, SAMPLE_SECONDS = 64, 0.02
# Seconds for a message through the queue, a transaction and a file.
OVERHEAD = 0.3


@dataclass(frozen=True, slots=True)
class Estimate:
    """combinations: over all universes, an upper bound unless `exact`. invalid: the combinations that the kind's
    own rule refuses. seconds: with `workers` workers, None if it cannot be timed. errors: as in create_search."""

    combinations: int
    exact: bool
    seconds: float | None
    workers: int
    errors: dict[str, str] = field(default_factory=dict)
    invalid: int = 0

    @property
    def grid_size(self) -> int:
        return self.combinations + self.invalid


def estimate(
    strategy: Strategy,
    *,
    symbols: list[str],
    start_date: date,
    end_date: date,
    method: str,
    grid: Mapping[str, Range],
    trials: int | None = None,
    holdout: float = HOLDOUT,
) -> Estimate:
    """Time a few combinations on the bars of the search; errors of the grid and of the trials are in `errors`."""
    errors: dict[str, str] = {}
    kind = kinds().get(strategy.kind)
    if kind is None:
        return Estimate(
            0, True, None, CONCURRENT_CHUNKS, {"strategy": "The kind of this strategy is not installed."}
        )
    axes = checked_grid(kind, grid, strategy.parameters, errors)
    universes = 1 if kind.across_symbols else max(len(symbols), 1)
    per_universe = combinations_in(axes, method, trials, universes, errors) if axes else 0
    if axes is None or errors:
        return Estimate(per_universe * universes, False, None, CONCURRENT_CHUNKS, errors)
    exact, grid_size = method == OptimizerRun.Method.GRID and per_universe <= MAX_COUNTED, per_universe
    if exact:
        per_universe = count_accepted(kind, axes)
    workers = 1 if method == OptimizerRun.Method.TPE else CONCURRENT_CHUNKS
    # By calendar days and not by sessions, which is close enough for an estimate.
    in_sample_end = start_date + (end_date - start_date) * (1.0 - holdout)
    scenario = _scenario(
        symbols if kind.across_symbols else symbols[:1], strategy.timeframe, start_date, in_sample_end
    )
    each = None if scenario is None else _seconds_each(kind, axes, scenario)
    total = per_universe * universes
    seconds = None if each is None else OVERHEAD + total * each / workers
    return Estimate(total, exact, seconds, workers, invalid=(grid_size - per_universe) * universes)


def _seconds_each(kind: type[Kind], grid: Grid, scenario: Scenario) -> float | None:
    sample = [combination for _, combination in random_batch(kind, grid, 0, 0, SAMPLE, SAMPLE)]
    if not sample:
        return None
    sweep(scenario, kind, sample[:1])  # compiles and loads the kernel, which a worker has already done
    count = 1
    while True:
        before = time.perf_counter()
        sweep(scenario, kind, sample[:count])
        spent = time.perf_counter() - before
        if spent > SAMPLE_SECONDS or count >= len(sample):
            return spent / min(count, len(sample))
        count *= 4


def _scenario(symbols: list[str], timeframe: str, start: date, end: date) -> Scenario | None:
    if not symbols:
        return None
    try:
        bars, _ = load_usable(symbols, timeframe, daily_time(end))
        rules, costs = RiskRules.from_dict(fully_invested(len(symbols))), Costs()
        return prepare_scenario(
            bars, capital=1e5, rules=rules, costs=costs, start=daily_time(start), end=daily_time(end)
        )
    except (NoBars, UnusableBars, DamagedBars, InvalidBars, ValueError, IndexError):
        return None
