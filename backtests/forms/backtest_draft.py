"""The initial values of the form of a new backtest, and the bars available for it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from backtests.date_range import DateRange, combined, date_range_of, describe_date_ranges
from backtests.models.assumptions import Assumptions
from strategies.kinds import rule_defaults_of
from strategies.models import Strategy
from strategies.services import InvalidStrategy, clean_symbols
from tradedesk.core.bars import Timeframe
from tradedesk.core.rules import RULES
from tradedesk.marketdata.library import NoBars, download_query, find_series

# Lengths of the preset periods, which end at the last bar.
YEARS = {10: "10 years", 5: "5 years", 3: "3 years", 1: "1 year"}


@dataclass(frozen=True, slots=True)
class Preset:
    """A period that one click selects."""

    key: str
    label: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class DataAvailability:
    """date_ranges: the first and last day with bars, by symbol. missing: the symbols without bars, "" if none.
    download: the query of the page that downloads them."""

    date_ranges: str
    missing: str
    presets: list[Preset]
    download: str = ""


def availability_of(strategy: Strategy | None, symbols: str | Iterable[str]) -> DataAvailability:
    """The bars of these symbols in the strategy's timeframe; without symbols, those of the strategy's symbols."""
    if strategy is None:
        return DataAvailability("", "", [])
    try:
        wanted = clean_symbols(symbols) or clean_symbols(strategy.symbols)
    except InvalidStrategy:
        return DataAvailability("", "", [])
    return availability_in(strategy.user_id, strategy.timeframe, wanted)


def availability_in(user_id: int, timeframe: str, symbols: str | Iterable[str]) -> DataAvailability:
    """The bars that this user has of these symbols; empty for an invalid symbol or timeframe."""
    if timeframe not in list(Timeframe):
        return DataAvailability("", "", [])
    try:
        wanted = clean_symbols(symbols)
    except InvalidStrategy:
        return DataAvailability("", "", [])
    series = find_series(user_id, wanted, timeframe)
    missing = [symbol for symbol in wanted if symbol not in series]
    date_ranges = {symbol: date_range_of(found) for symbol, found in series.items()}
    return DataAvailability(
        describe_date_ranges(date_ranges),
        str(NoBars(missing, timeframe)) if missing else "",
        _presets(combined(date_ranges)),
        download_query(missing, timeframe),
    )


def initial_values(
    strategy: Strategy | None, source: Assumptions | None, typed: Mapping[str, str], preset: str
) -> tuple[dict[str, Any], DataAvailability]:
    """The initial values of the form, and the bars available for them.

    They come from what was typed so far, if it was typed for this strategy; else from `source`, a backtest or
    an optimizer run; else from the strategy's symbols and all their bars. A preset then sets the two dates.
    """
    if strategy is None:
        return {}, availability_of(None, ())
    values: dict[str, Any] = {"symbols": ", ".join(strategy.symbols), **rule_defaults_of(strategy.kind)}
    if typed.get("shown_strategy") == str(strategy.pk):
        values = dict(typed)
    elif source is not None:
        values = source_values(source)
    elif not preset:
        preset = "all"
    availability = availability_of(strategy, values.get("symbols", ""))
    values |= dates_of(availability, preset)
    return values | {"strategy": strategy.pk, "shown_strategy": strategy.pk}, availability


def other_defaults(shown: Strategy | None, strategy: Strategy) -> set[str]:
    """The trading rules whose default for `strategy` is not the one for the strategy that the page showed."""
    before, now = rule_defaults_of(shown.kind if shown else ""), rule_defaults_of(strategy.kind)
    own = {name: rule.default for name, rule in RULES.items()}
    return {name for name in RULES if (own | dict(before))[name] != (own | dict(now))[name]}


def dates_of(availability: DataAvailability, preset: str) -> dict[str, date]:
    """The two dates of that preset; empty if there is no such preset."""
    return next(({"start_date": p.start, "end_date": p.end} for p in availability.presets if p.key == preset), {})


def source_values(source: Assumptions) -> dict[str, Any]:
    """Symbols, period, capital, rules and costs as values of the form's fields."""
    return {
        "symbols": ", ".join(source.symbols),
        "start_date": source.start_date,
        "end_date": source.end_date,
        "initial_capital": float(source.initial_capital),
        "compare_with": source.compare_with,
        **source.rules,
        **source.costs,
    }


def _presets(bars: DateRange | None) -> list[Preset]:
    """All bars, and each shorter period that starts after the first bar."""
    if bars is None or bars.first == bars.last:
        return []
    shorter = [Preset(f"{n}y", label, _years_before(bars.last, n), bars.last) for n, label in YEARS.items()]
    return [
        Preset("all", "All", bars.first, bars.last),
        *(preset for preset in shorter if preset.start > bars.first),
    ]


def _years_before(day: date, years: int) -> date:
    day_of_month = 28 if (day.month, day.day) == (2, 29) else day.day
    return day.replace(year=day.year - years, day=day_of_month)
