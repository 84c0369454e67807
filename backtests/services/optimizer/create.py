"""Creating an optimizer run, for the page and for the API: its row and its chunks, enqueued after the commit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from backtests.bars_used import stored_bars_used
from backtests.models import ALL_SYMBOLS, OptimizerChunk, OptimizerRun
from backtests.provenance import describe, describe_many
from backtests.research.optimizer.grid import Grid, Range
from backtests.research.robustness.walk_forward import HOLDOUT
from backtests.services.benchmark import checked_benchmark
from backtests.services.inputs import RuleValue
from backtests.services.optimizer.concurrency import enqueue_next
from backtests.services.optimizer.inputs import (
    MAX_HOLDOUT,
    GivenRange,
    Inputs,
    InvalidRun,
    checked_grid,
    checked_inputs,
    checked_objective,
    checked_seed,
    combinations_in,
    require_bars_in_period,
    search_ranges,
    with_places,
)
from backtests.services.optimizer.starts import refusal_of, starts_of
from backtests.services.optimizer.universes import kinds_of, ranked_strategies_in, universe_keys, universes_of
from backtests.services.room import NoRoom, room_for_run
from backtests.services.sessions_in_period import period_errors
from strategies.kinds import InvalidParameters, kinds
from strategies.models import Strategy
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.store import DamagedBars

# A crash of a worker loses one chunk, and a chunk is one transaction, so its size has a lower and an upper limit.
MIN_CHUNK, MAX_CHUNK = 50, 5_000
# With fewer chunks one worker would still be busy while the others are idle.
MIN_CHUNKS = 8
# For a ranking, over all universes: one strategy may take long.
RANKING_CHUNKS = 16
# TPE learns between two batches and not within one.
TPE_BATCH = 25

# (universe, first, size) of each chunk.
Chunks = Iterable[tuple[str, int, int]]


def create_search(
    user: User,
    strategy: Strategy,
    *,
    start_date: date,
    end_date: date,
    initial_capital: float | Decimal,
    method: str,
    wall_now: datetime,
    grid: Mapping[str, GivenRange] | None = None,
    symbols: str | Iterable[str] | None = None,
    scope: str = OptimizerRun.Scope.EACH,
    trials: int | None = None,
    objective: str = "sharpe",
    weights: Mapping[str, float] | None = None,
    min_trades: int = 10,
    holdout: float = HOLDOUT,
    seed: int | None = None,
    compare_with: str | None = None,
    **rules_and_costs: RuleValue,
) -> OptimizerRun:
    """A search of the strategy's parameters.

    grid: (low, high, step) of the parameters to vary, the kind's own search ranges when empty; the others keep the
    strategy's values. scope: whether each symbol is a search of its own, all symbols are one portfolio, or both.
    The last `holdout` of the sessions is not used. compare_with, rules_and_costs: as in create_backtest. Raises
    InvalidRun with all errors.
    """
    errors: dict[str, str] = {}
    kind = kinds().get(strategy.kind)
    if kind is None:
        raise InvalidRun({"strategy": f"“{strategy.name}” cannot run: its kind is not installed."})
    if not kind.params():
        raise InvalidRun({"strategy": f"“{strategy.name}” has no parameters to search."})
    ranges = with_places(kind, grid or search_ranges(kind))
    axes = checked_grid(kind, ranges, strategy.parameters, errors)
    if not 0.0 <= holdout <= MAX_HOLDOUT:
        errors["holdout"] = f"The holdout must be between 0 and {MAX_HOLDOUT:g}."
    inputs = checked_inputs(
        user,
        symbols or strategy.symbols,
        strategy.timeframe,
        start_date,
        end_date,
        initial_capital,
        rules_and_costs,
        errors,
        kind.rule_defaults,
    )
    if scope not in OptimizerRun.Scope.values:
        errors["scope"] = f"The scope must be one of {', '.join(OptimizerRun.Scope.values)}."
    keys = universe_keys(inputs.symbols, {strategy.kind}, scope)
    if keys != [ALL_SYMBOLS]:
        require_bars_in_period(inputs, start_date, end_date, errors)
    universes = len(keys)
    per_universe = combinations_in(axes, method, trials, universes, errors) if axes else 0
    checked_weights = checked_objective(objective, weights, min_trades, errors)
    run_seed = checked_seed(seed, errors)
    benchmark = checked_benchmark(user.pk, compare_with, strategy.timeframe, start_date, end_date, errors)
    if not errors:
        errors |= period_errors(user.pk, inputs.series, strategy.timeframe, start_date, end_date, holdout)
    if errors:
        raise InvalidRun(errors)
    run = OptimizerRun(
        user=user,
        job=OptimizerRun.Job.SEARCH,
        strategy=strategy,
        strategy_name=strategy.name,
        kind=strategy.kind,
        parameters=strategy.parameters,
        method=method,
        scope=scope,
        grid={name: list(each) for name, each in ranges.items()},
        trials=trials if method != OptimizerRun.Method.GRID else None,
        seed=run_seed,
        holdout=holdout,
        timeframe=strategy.timeframe,
        compare_with=benchmark,
        objective=objective,
        weights=checked_weights,
        min_trades=min_trades,
        combinations=per_universe * universes,
    )
    run.symbols = inputs.symbols
    run.start_date, run.end_date = start_date, end_date
    _set_starts(run, axes, "grid")
    return _start(run, inputs, initial_capital, _search_chunks(run, per_universe), wall_now)


def create_ranking(
    user: User,
    *,
    strategies: Iterable[Strategy],
    all_kinds: bool,
    symbols: str | Iterable[str],
    start_date: date,
    end_date: date,
    initial_capital: float | Decimal,
    wall_now: datetime,
    timeframe: str = "1Day",
    objective: str = "sharpe",
    weights: Mapping[str, float] | None = None,
    min_trades: int = 10,
    compare_with: str | None = None,
    **rules_and_costs: RuleValue,
) -> OptimizerRun:
    """A ranking of these strategies on each symbol; all_kinds adds every kind with its default parameters.

    A ranking uses the whole period. compare_with, rules_and_costs: as in create_backtest, but the same for every
    row: the defaults of a kind do not count. Raises InvalidRun with all errors.
    """
    errors: dict[str, str] = {}
    ranked_strategies = list(_ranked_strategies(strategies, timeframe, errors))
    if all_kinds:
        ranked_strategies += _defaults(ranked_strategies)
    if not ranked_strategies and "strategies" not in errors:
        errors["strategies"] = "Choose at least one strategy, or all kinds with their default parameters."
    inputs = checked_inputs(
        user, symbols, timeframe, start_date, end_date, initial_capital, rules_and_costs, errors
    )
    if not all(kinds()[str(each["kind"])].across_symbols for each in ranked_strategies):
        require_bars_in_period(inputs, start_date, end_date, errors)
    checked_weights = checked_objective(objective, weights, min_trades, errors)
    benchmark = checked_benchmark(user.pk, compare_with, timeframe, start_date, end_date, errors)
    if not errors:
        errors |= period_errors(user.pk, inputs.series, timeframe, start_date, end_date)
    if errors:
        raise InvalidRun(errors)
    run = OptimizerRun(
        user=user,
        job=OptimizerRun.Job.RANK,
        ranked_strategies=ranked_strategies,
        timeframe=timeframe,
        compare_with=benchmark,
        objective=objective,
        weights=checked_weights,
        min_trades=min_trades,
        combinations=0,
    )
    run.symbols = inputs.symbols
    sizes = {universe.key: len(ranked_strategies_in(run, universe.key)) for universe in universes_of(run)}
    run.combinations = sum(sizes.values())
    size = max(-(-run.combinations // RANKING_CHUNKS), 1)
    chunks = [chunk for universe, count in sizes.items() for chunk in _cut(universe, count, size)]
    run.start_date, run.end_date = start_date, end_date
    _set_starts(run, None, "strategies")
    return _start(run, inputs, initial_capital, chunks, wall_now)


def grid_of(run: OptimizerRun) -> Grid:
    """The grid of a search. Raises InvalidGrid when the parameters of its kind have changed."""
    return Grid.of(kinds()[run.kind], ranges_of(run), run.parameters)


def ranges_of(run: OptimizerRun) -> dict[str, Range]:
    """(low, high, step) of the parameters that a search varies."""
    return {name: (low, high, step) for name, (low, high, step) in run.grid.items()}


def chunk_size(per_universe: int, universes: int) -> int:
    """The size of the chunks of a search; the last one may be smaller."""
    return min(max(-(-per_universe * universes // MIN_CHUNKS), MIN_CHUNK), MAX_CHUNK)


def _search_chunks(run: OptimizerRun, per_universe: int) -> Iterator[tuple[str, int, int]]:
    universes = universes_of(run)
    tpe = run.method == OptimizerRun.Method.TPE
    size = TPE_BATCH if tpe else chunk_size(per_universe, len(universes))
    for universe in universes:
        yield from _cut(universe.key, per_universe, size)


def _cut(universe: str, count: int, size: int) -> Iterator[tuple[str, int, int]]:
    for first in range(0, count, size):
        yield universe, first, min(size, count - first)


def _set_starts(run: OptimizerRun, grid: Grid | None, field: str) -> None:
    """Store the common start of each universe. Raises InvalidRun, at this field, when no row can be scored."""
    try:
        starts = starts_of(run, grid)
    except (NoBars, DamagedBars) as refusal:
        raise InvalidRun({"symbols": str(refusal)}) from None
    if message := refusal_of(run, starts):
        raise InvalidRun({field: message})
    run.starts = {universe: start.as_json() for universe, start in starts.items()}


def _start(
    run: OptimizerRun,
    inputs: Inputs,
    capital: float | Decimal,
    chunks: Chunks,
    wall_now: datetime,
) -> OptimizerRun:
    run.rules, run.costs = inputs.rules, inputs.costs
    run.initial_capital = to_decimal(float(capital))
    run.created_at = run.heartbeat_at = wall_now
    _, period_end = run.period
    used = {symbol: stored_bars_used(each, period_end) for symbol, each in inputs.series.items()}
    run.provenance = describe(run.kind, used) if run.is_search else describe_many(kinds_of(run), used)
    try:
        with room_for_run(run.user_id, run.combinations):
            run.save(force_insert=True)
            OptimizerChunk.objects.bulk_create(
                [
                    OptimizerChunk(run=run, number=number, universe=universe, first=first, size=size)
                    for number, (universe, first, size) in enumerate(chunks)
                ],
                batch_size=1000,
            )
            enqueue_next(run, wall_now)
    except NoRoom as refusal:
        raise InvalidRun({"": str(refusal)}) from None
    bump_version(run.user_id)
    return run


def _ranked_strategies(
    strategies: Iterable[Strategy], timeframe: str, errors: dict[str, str]
) -> Iterator[dict[str, object]]:
    for strategy in strategies:
        if strategy.timeframe != timeframe:
            errors["strategies"] = (
                f"“{strategy.name}” trades {strategy.timeframe} bars and not {timeframe}. Leave it out, or rank "
                "on its timeframe."
            )
            continue
        try:
            kind = strategy.make_kind()
        except InvalidParameters as refusal:
            errors["strategies"] = f"“{strategy.name}” cannot run. {refusal} Edit it, or leave it out."
            continue
        yield {
            "strategy_id": strategy.pk,
            "name": strategy.name,
            "kind": kind.key,
            "parameters": kind.parameters,
        }


def _defaults(ranked_strategies: Sequence[Mapping[str, object]]) -> Iterator[dict[str, object]]:
    """Every kind with its default parameters, except those that are already ranked strategies with these."""
    present = [(ranked_strategy["kind"], ranked_strategy["parameters"]) for ranked_strategy in ranked_strategies]
    for key, kind in kinds().items():
        if (key, kind().parameters) not in present:
            yield {"strategy_id": None, "name": kind.name, "kind": key, "parameters": kind().parameters}
