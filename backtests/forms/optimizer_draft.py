"""The initial values of the forms of a new optimizer run."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from backtests.forms import RankForm, SearchForm
from backtests.forms.backtest_draft import (
    DataAvailability,
    availability_in,
    availability_of,
    dates_of,
    initial_values,
    source_values,
)
from backtests.forms.optimizer import HIGH, LOW, STEP, VARY, WEIGHT
from backtests.models import OptimizerRun
from backtests.research.optimizer.grid import Range
from strategies.kinds import kinds
from strategies.models import Strategy
from strategies.services import MAX_SYMBOLS, InvalidStrategy, clean_symbols
from tradedesk.accounts.models import User
from tradedesk.core.bars import Timeframe

SEARCH_FIELDS = ("method", "scope", "trials", "holdout", "seed")


def initial_search(
    strategy: Strategy | None,
    source: OptimizerRun | None,
    typed: Mapping[str, str],
    preset: str,
    wider: Mapping[str, Range] | None = None,
) -> tuple[dict[str, Any], DataAvailability]:
    """As in the form of a backtest; from an earlier search also its method and ranges. wider: (low, high, step)
    of parameters whose ranges are to be wider than those of the earlier search."""
    values, availability = initial_values(strategy, source, typed, preset)
    if source is None or strategy is None:
        return values, availability
    values |= _score_values(source) | {
        name: getattr(source, name) for name in SEARCH_FIELDS if getattr(source, name) is not None
    }
    for name in source.parameters:
        values[VARY + name] = name in source.grid
    for name, ends in (source.grid | dict(wider or {})).items():
        values |= {prefix + name: f"{end:.15g}" for prefix, end in zip((LOW, HIGH, STEP), ends, strict=True)}
    return values, availability


def initial_ranking(
    user: User,
    strategies: Sequence[Strategy],
    source: OptimizerRun | None,
    typed: Mapping[str, str],
    preset: str,
) -> tuple[dict[str, Any], DataAvailability]:
    """All strategies on their own symbols over all their bars, or the values of an earlier run or of what was
    typed so far. A preset then sets the two dates."""
    values: dict[str, Any] = {"timeframe": Timeframe.DAY.value, "strategies": [each.pk for each in strategies]}
    if source is not None:
        values |= source_values(source) | _score_values(source)
        values |= {"timeframe": source.timeframe, **_ranked_strategies(source)}
    values |= typed
    if "symbols" not in values:
        values["symbols"] = ", ".join(_own_symbols(strategies, values["timeframe"]))
        preset = preset or "all"
    availability = availability_in(user.pk, values["timeframe"], values["symbols"])
    return values | dates_of(availability, preset), availability


def availability_of_form(user: User, form: RankForm | SearchForm) -> DataAvailability:
    """The bars available for a form that was sent and refused."""
    typed = form.data.get("symbols", "")
    if isinstance(form, SearchForm):
        return availability_of(form.selected_strategy, typed)
    return availability_in(user.pk, form.data.get("timeframe", ""), typed)


def wanted_symbols(strategy: Strategy, typed: str) -> list[str]:
    """The symbols of a search: those typed, else the strategy's symbols. Raises InvalidStrategy."""
    return clean_symbols(typed) or clean_symbols(strategy.symbols)


def count_ranked_strategies(strategies: Iterable[Strategy], all_kinds: bool) -> tuple[int, int]:
    """How many strategies a ranking tests on each symbol, and how many on all symbols together."""
    installed = kinds()
    keys = [strategy.kind for strategy in strategies] + (list(installed) if all_kinds else [])
    together = sum(key in installed and installed[key].across_symbols for key in keys)
    return len(keys) - together, together


def _own_symbols(strategies: Iterable[Strategy], timeframe: str) -> list[str]:
    own = (strategy.symbols for strategy in strategies if strategy.timeframe == timeframe)
    try:
        return clean_symbols(list(dict.fromkeys(chain.from_iterable(own)))[:MAX_SYMBOLS])
    except InvalidStrategy:  # stored before this rule was added
        return []


def _score_values(source: OptimizerRun) -> dict[str, Any]:
    weights = {WEIGHT + name: weight for name, weight in source.weights.items()}
    return {"objective": source.objective, "min_trades": source.min_trades, **weights}


def _ranked_strategies(source: OptimizerRun) -> dict[str, Any]:
    pks = [each["strategy_id"] for each in source.ranked_strategies]
    return {"strategies": [pk for pk in pks if pk is not None], "all_kinds": None in pks}
