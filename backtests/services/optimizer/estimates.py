"""The number of combinations of a search and its estimated duration, before it starts."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from backtests.engine.simulation import Scenario, prepare_scenario
from backtests.models import ALL_SYMBOLS, OptimizerRun
from backtests.research.optimizer.grid import Grid, Range
from backtests.research.optimizer.sampling import count_accepted, random_batch
from backtests.research.optimizer.sweep import sweep_trials
from backtests.research.optimizer.tpe import next_batch
from backtests.research.robustness.walk_forward import HOLDOUT
from backtests.services.bars import UnusableBars, load_usable
from backtests.services.optimizer.concurrency import CONCURRENT_CHUNKS
from backtests.services.optimizer.create import TPE_BATCH
from backtests.services.optimizer.inputs import checked_grid, combinations_in
from backtests.services.optimizer.starts import refusal_of, starts_of, warnings_of
from backtests.services.optimizer.universes import universe_keys
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
# The estimator is timed with at most this many trials behind it, and proposes this many combinations.
TIMED_TRIALS, TIMED_PROPOSALS = 200, 8
# Seconds for a message and a transaction of one of its chunks, which follow one another.
CHUNK_OVERHEAD = 0.05


@dataclass(frozen=True, slots=True)
class Estimate:
    """combinations: over all universes, an upper bound unless `exact`. invalid: the combinations that the kind's
    own rule refuses. seconds: with `workers` workers, None if it cannot be timed. errors: as in create_search.
    warnings: about combinations that cannot trade in the period."""

    combinations: int
    exact: bool
    seconds: float | None
    workers: int
    errors: dict[str, str] = field(default_factory=dict)
    invalid: int = 0
    warnings: list[str] = field(default_factory=list)

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
    scope: str = OptimizerRun.Scope.EACH,
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
    keys = universe_keys(symbols, {strategy.kind}, scope)
    universes = max(len(keys), 1)
    per_universe = combinations_in(axes, method, trials, universes, errors) if axes else 0
    if axes is None or errors:
        return Estimate(per_universe * universes, False, None, CONCURRENT_CHUNKS, errors)
    run = OptimizerRun(
        user_id=strategy.user_id,
        job=OptimizerRun.Job.SEARCH,
        kind=kind.key,
        scope=scope,
        timeframe=strategy.timeframe,
        start_date=start_date,
        end_date=end_date,
        holdout=holdout,
    )
    run.symbols = symbols
    warnings = _check_warmups(run, axes, errors)
    if errors:
        return Estimate(per_universe * universes, False, None, CONCURRENT_CHUNKS, errors)
    exact, grid_size = method == OptimizerRun.Method.GRID and per_universe <= MAX_COUNTED, per_universe
    if exact:
        per_universe = count_accepted(kind, axes)
    is_tpe = method == OptimizerRun.Method.TPE
    workers = 1 if is_tpe else CONCURRENT_CHUNKS
    # By calendar days and not by sessions, which is close enough for an estimate.
    in_sample_end = start_date + (end_date - start_date) * (1.0 - holdout)
    period = start_date, in_sample_end
    # One symbol is timed for all that are universes of their own.
    groups = Counter(key == ALL_SYMBOLS for key in keys)
    times = [
        (
            count,
            _seconds_each(kind, axes, _scenario(strategy, symbols if together else symbols[:1], *period)),
        )
        for together, count in groups.items()
    ]
    seconds = None if not times or any(each is None for _, each in times) else OVERHEAD
    if seconds is not None:
        seconds += sum(count * per_universe * (each or 0.0) for count, each in times) / workers
        seconds += _sampler_seconds(kind, axes, per_universe) * universes if is_tpe else 0.0
    total = per_universe * universes
    invalid = (grid_size - per_universe) * universes
    return Estimate(total, exact, seconds, workers, invalid=invalid, warnings=warnings)


def _check_warmups(run: OptimizerRun, grid: Grid, errors: dict[str, str]) -> list[str]:
    """The warnings of the search about combinations that cannot trade; an error is added if none can."""
    try:
        starts = starts_of(run, grid)
    except (NoBars, DamagedBars):
        return []  # the form says so at the symbols
    if message := refusal_of(run, starts):
        errors["grid"] = message
    run.starts = {universe: each.as_json() for universe, each in starts.items()}
    return warnings_of(run)


def _sampler_seconds(kind: type[Kind], grid: Grid, count: int) -> float:
    """The time that the estimator itself takes to propose `count` combinations, in chunks of TPE_BATCH."""
    chunks = -(-count // TPE_BATCH)
    known = min(count // 2, TIMED_TRIALS, grid.size // 2)
    trials = [(number, float(number % 7)) for number in range(known)]
    before = time.perf_counter()
    next_batch(kind, grid, 0, trials, TIMED_PROPOSALS)
    each = (time.perf_counter() - before) / TIMED_PROPOSALS
    return count * each + chunks * CHUNK_OVERHEAD


def _seconds_each(kind: type[Kind], grid: Grid, scenario: Scenario | None) -> float | None:
    if scenario is None:
        return None
    sample = [combination for _, combination in random_batch(kind, grid, 0, 0, SAMPLE, SAMPLE)]
    if not sample:
        return None
    sweep_trials(scenario, kind, sample[:1])  # loads the kernel and makes the multipliers, as a worker does once
    count = 1
    while True:
        before = time.perf_counter()
        sweep_trials(scenario, kind, sample[:count])
        spent = time.perf_counter() - before
        if spent > SAMPLE_SECONDS or count >= len(sample):
            return spent / min(count, len(sample))
        count *= 4


def _scenario(strategy: Strategy, symbols: list[str], start: date, end: date) -> Scenario | None:
    if not symbols:
        return None
    try:
        bars, _ = load_usable(strategy.user_id, symbols, strategy.timeframe, daily_time(end))
        rules, costs = RiskRules.from_dict(fully_invested(len(symbols))), Costs()
        return prepare_scenario(
            bars, capital=1e5, rules=rules, costs=costs, start=daily_time(start), end=daily_time(end)
        )
    except (NoBars, UnusableBars, DamagedBars, InvalidBars, ValueError, IndexError):
        return None
