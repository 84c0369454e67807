"""What the forms of a new optimizer run start with: the trader's own, an earlier run, or what was typed so far."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from backtests.forms import RankForm, SearchForm
from backtests.forms.backtest_draft import (
    DataAvailability,
    availability_in,
    availability_of,
    begin,
    dates_of,
    same_again,
)
from backtests.forms.optimizer import HIGH, LOW, STEP, VARY, WEIGHT
from backtests.models import OptimizerRun
from strategies.kinds import kinds
from strategies.models import Strategy
from strategies.services import MAX_SYMBOLS, InvalidStrategy, clean_symbols
from tradedesk.core.bars import Timeframe

OF_A_SEARCH = ("method", "trials", "holdout", "seed")


def begin_search(
    strategy: Strategy | None, source: OptimizerRun | None, typed: Mapping[str, str], preset: str
) -> tuple[dict[str, Any], DataAvailability]:
    """As a backtest's form; of an earlier search also where it looked, and how."""
    values, availability = begin(strategy, source, typed, preset)
    if source is None or strategy is None:
        return values, availability
    values |= _score_again(source) | {
        name: getattr(source, name) for name in OF_A_SEARCH if getattr(source, name) is not None
    }
    for name in source.parameters:
        values[VARY + name] = name in source.grid
    for name, ends in source.grid.items():
        values |= {prefix + name: f"{end:.15g}" for prefix, end in zip((LOW, HIGH, STEP), ends, strict=True)}
    return values, availability


def begin_ranking(
    strategies: Sequence[Strategy], source: OptimizerRun | None, typed: Mapping[str, str], preset: str
) -> tuple[dict[str, Any], DataAvailability]:
    """All strategies, on their own symbols over all their bars. A preset then chooses the two dates."""
    values: dict[str, Any] = {"timeframe": Timeframe.DAY.value, "strategies": [each.pk for each in strategies]}
    if source is not None:
        values |= same_again(source) | _score_again(source)
        values |= {"timeframe": source.timeframe, **_candidate_strategies_again(source)}
    values |= typed
    if "symbols" not in values:
        values["symbols"] = ", ".join(_own_symbols(strategies, values["timeframe"]))
        preset = preset or "all"
    availability = availability_in(values["timeframe"], values["symbols"])
    return values | dates_of(availability, preset), availability


def availability_of_form(form: RankForm | SearchForm) -> DataAvailability:
    """What there are bars for, of a form that was sent and refused."""
    typed = form.data.get("symbols", "")
    if isinstance(form, SearchForm):
        return availability_of(form.chosen, typed)
    return availability_in(form.data.get("timeframe", ""), typed)


def wanted_symbols(strategy: Strategy, typed: str) -> list[str]:
    """What a search would run on: the symbols that were typed, else the strategy's own. Raises InvalidStrategy."""
    return clean_symbols(typed) or clean_symbols(strategy.symbols)


def count_candidate_strategies(strategies: Iterable[Strategy], all_kinds: bool) -> tuple[int, int]:
    """How many a ranking tries on each symbol, and how many on all symbols together."""
    known = kinds()
    keys = [strategy.kind for strategy in strategies] + (list(known) if all_kinds else [])
    together = sum(key in known and known[key].across_symbols for key in keys)
    return len(keys) - together, together


def _own_symbols(strategies: Iterable[Strategy], timeframe: str) -> list[str]:
    own = (strategy.symbols for strategy in strategies if strategy.timeframe == timeframe)
    try:
        return clean_symbols(list(dict.fromkeys(chain.from_iterable(own)))[:MAX_SYMBOLS])
    except InvalidStrategy:  # stored before this rule stood
        return []


def _score_again(source: OptimizerRun) -> dict[str, Any]:
    weights = {WEIGHT + name: weight for name, weight in source.weights.items()}
    return {"objective": source.objective, "min_trades": source.min_trades, **weights}


def _candidate_strategies_again(source: OptimizerRun) -> dict[str, Any]:
    own = [candidate_strategy["strategy_id"] for candidate_strategy in source.candidate_strategies]
    return {"strategies": [pk for pk in own if pk is not None], "all_kinds": None in own}
