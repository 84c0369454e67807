"""Checks of the inputs of an optimizer run that a backtest does not have."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from backtests.date_range import date_range_of, describe_date_ranges
from backtests.models import OptimizerRun
from backtests.research.optimizer.grid import DECIMALS, Grid, InvalidGrid, Range, Value
from backtests.research.optimizer.objectives import WEIGHTS, Objective
from backtests.research.optimizer.sampling import CHECKED_EXTRA, random_batch
from backtests.services.bars import UnusableBars, usable_series
from backtests.services.inputs import RuleValue, capital_error, checked_rules, date_errors, given_rules
from strategies.kinds import Choice, InvalidParameters, Kind
from strategies.services import InvalidStrategy, clean_symbols
from tradedesk.accounts.models import User
from tradedesk.core.bars import Timeframe
from tradedesk.core.rules import RULES
from tradedesk.marketdata.library import NoBars
from tradedesk.marketdata.models import BarSeries

MAX_COMBINATIONS = 1_000_000
MAX_TPE_TRIALS = 2_000
# Suggested when a full grid is too large.
SUGGESTED_TRIALS = 10_000
MAX_SEED = 2**31 - 1
MAX_HOLDOUT = 0.9
MAX_MIN_TRADES = 100_000
# Up to this size a grid is searched in full for a combination that the kind accepts.
MAX_FULL_CHECK = CHECKED_EXTRA


# (low, high, step) as a trader gives them: the ends of a choice may be its words.
GivenRange = tuple[Value | str, Value | str, Value]


class InvalidRun(ValueError):
    """Inputs that are refused. `errors` maps a parameter of create_search or create_ranking to a message for the
    trader; "grid.fast" is the range of one parameter, "grid" the grid as a whole.
    """

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


class Inputs(NamedTuple):
    """The checked inputs of a run: symbols in their order, their series, the rules that were given, and the
    costs."""

    symbols: list[str]
    series: dict[str, BarSeries]
    rules: dict[str, object]
    costs: dict[str, float]


def checked_inputs(
    user: User,
    symbols: str | Iterable[str],
    timeframe: str,
    start: date,
    end: date,
    capital: float | Decimal,
    rules_and_costs: Mapping[str, RuleValue],
    errors: dict[str, str],
    defaults: Mapping[str, Any] | None = None,
) -> Inputs:
    """Check the inputs; every error is added to `errors`. defaults: of the rules, by Kind.rule_defaults."""
    cleaned = _symbols(symbols, errors)
    series: dict[str, BarSeries] = {}
    if timeframe not in list(Timeframe):
        errors["timeframe"] = f"The timeframe must be one of {', '.join(Timeframe)}."
    elif cleaned:
        try:
            series = usable_series(user.pk, cleaned, timeframe)
        except (NoBars, UnusableBars) as refusal:
            errors["symbols"] = str(refusal)
    if message := capital_error(capital):
        errors["initial_capital"] = message
    errors |= date_errors(start, end, {symbol: date_range_of(series[symbol]) for symbol in series})
    rules, costs = checked_rules(rules_and_costs, 1, errors, defaults)
    # Off is recorded only where it is not the default.
    given = {
        name
        for name, value in given_rules(rules_and_costs).items()
        if value is not None or RULES[name].default is not None
    } | set(defaults or ())
    return Inputs(
        cleaned, series, {name: value for name, value in rules.as_dict().items() if name in given}, costs.as_dict()
    )


def require_bars_in_period(inputs: Inputs, start: date, end: date, errors: dict[str, str]) -> None:
    """Each symbol that is a universe of its own needs bars between the two dates; errors are added to `errors`."""
    date_ranges = {symbol: date_range_of(series) for symbol, series in inputs.series.items()}
    outside = {
        symbol: each for symbol, each in date_ranges.items() if not (start <= each.last and end >= each.first)
    }
    if outside and not {"symbols", "start_date", "end_date"} & errors.keys():
        errors["symbols"] = (
            f"There are no bars from {start} to {end} of {', '.join(outside)}. Bars: "
            f"{describe_date_ranges(outside)}. Choose other symbols or another period."
        )


def checked_objective(
    objective: str, weights: Mapping[str, float] | None, min_trades: int, errors: dict[str, str]
) -> dict[str, float]:
    """The weights of a weighted score, {} for another objective; every error is added to `errors`."""
    if isinstance(min_trades, bool) or not isinstance(min_trades, int) or not 0 <= min_trades <= MAX_MIN_TRADES:
        errors["min_trades"] = f"The minimum number of trades must be a whole number from 0 to {MAX_MIN_TRADES:,}."
    if objective not in list(Objective):
        errors["objective"] = f"The objective must be one of {', '.join(Objective)}."
        return {}
    if objective != Objective.WEIGHTED:
        return {}
    checked = dict(WEIGHTS if weights is None else weights)
    if unknown := [name for name in checked if name not in WEIGHTS]:
        errors["weights"] = f"There is no weight “{unknown[0][:40]}”. Weights: {', '.join(WEIGHTS)}."
    elif not all(0.0 <= weight <= 1.0 for weight in checked.values()):
        errors["weights"] = "Each weight must be between 0 and 1."
    elif not any(checked.values()):
        errors["weights"] = "At least one weight must be above 0."
    return checked


def checked_grid(
    kind: type[Kind], ranges: Mapping[str, Range], fixed: Mapping[str, Value], errors: dict[str, str]
) -> Grid | None:
    """The grid of these ranges, or of the kind's own search ranges when there are none; None for an invalid one,
    with the errors added to `errors`."""
    try:
        grid = Grid.of(kind, ranges or search_ranges(kind), fixed)
    except InvalidGrid as refusal:
        errors |= {f"grid.{name}" if name else "grid": text for name, text in refusal.errors.items()}
        return None
    # A larger grid may have a valid combination that is too rare to be found here: the run finds out.
    if grid.size <= MAX_FULL_CHECK and not random_batch(kind, grid, 0, 0, 1, 1):
        errors["grid"] = f"None of these combinations is valid. {_refusal(kind, grid)}"
        return None
    return grid


def search_ranges(kind: type[Kind]) -> dict[str, Range]:
    """The default ranges. A choice changes the rule itself, so it varies only when the trader says so."""
    return {name: param.search for name, param in kind.params().items() if not isinstance(param, Choice)}


def with_places(kind: type[Kind], ranges: Mapping[str, GivenRange]) -> dict[str, Range]:
    """The ranges with the places of the words of choices, as they are stored; an unknown word stays, for the
    check."""
    params = kind.params()

    def place(name: str, value: Value | str) -> Any:
        param = params.get(name)
        return param.clean(value) if isinstance(param, Choice) and value in param.words else value

    return {name: (place(name, low), place(name, high), step) for name, (low, high, step) in ranges.items()}


def checked_seed(seed: int | None, errors: dict[str, str]) -> int:
    """The seed, a random one for None; an error is added to `errors`."""
    if seed is None:
        return secrets.randbelow(MAX_SEED + 1)
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        errors["seed"] = f"The seed must be a whole number from 0 to {MAX_SEED:,}."
        return 0
    return seed


def combinations_in(grid: Grid, method: str, trials: int | None, universes: int, errors: dict[str, str]) -> int:
    """The number of combinations that a search tests in one universe; errors, such as too many, are added to
    `errors`."""
    if method not in OptimizerRun.Method.values:
        errors["method"] = f"The method must be one of {', '.join(OptimizerRun.Method.values)}."
        return 0
    whole, universes = grid.size, max(universes, 1)
    if method == OptimizerRun.Method.GRID:
        if trials is not None:
            errors["trials"] = "A full grid tests all its combinations: leave the number of trials empty."
        if whole * universes > MAX_COMBINATIONS:
            errors["grid"] = _too_many(grid, universes)
        return whole
    most = MAX_TPE_TRIALS if method == OptimizerRun.Method.TPE else MAX_COMBINATIONS // universes
    if isinstance(trials, bool) or not isinstance(trials, int) or not 1 <= trials <= most:
        errors["trials"] = f"The number of trials must be between 1 and {most:,}."
        return 0
    return min(trials, whole)


def _refusal(kind: type[Kind], grid: Grid) -> str:
    """The kind's message about the first combination, which it refuses."""
    try:
        kind(**grid.at(0))
    except InvalidParameters as refusal:
        return str(refusal)
    return ""


def _too_many(grid: Grid, universes: int) -> str:
    """A message with the number and two remedies: a larger step for the longest axis, or random trials."""
    total = grid.size * universes
    name, values = max(grid.axes.items(), key=lambda axis: len(axis[1]))
    fewer = len(values) // -(-total // MAX_COMBINATIONS)
    symbols = f" over {universes} symbols" if universes > 1 else ""
    coarser = f"use a step of {_step(values, fewer):g} for {name}" if fewer > 1 else "narrow the ranges"
    return (
        f"{total:,} combinations{symbols} are more than {MAX_COMBINATIONS:,}. Either {coarser}, or test "
        f"{SUGGESTED_TRIALS:,} of them at random."
    )


def _step(values: Sequence[Value], most: int) -> Value:
    """The smallest multiple of the step that leaves at most `most` of these values."""
    times = -(-len(values) // most)
    return round((values[1] - values[0]) * times, DECIMALS)


def _symbols(symbols: str | Iterable[str], errors: dict[str, str]) -> list[str]:
    try:
        cleaned = clean_symbols(symbols)
    except InvalidStrategy as refusal:
        errors["symbols"] = refusal.errors["symbols"]
        return []
    if not cleaned:
        errors["symbols"] = "Enter at least one symbol, for example AAPL."
    return cleaned
