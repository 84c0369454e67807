"""A draft: what the form of a new backtest starts with, and what there are bars for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from backtests.date_range import DateRange, combined, date_range_of, describe_date_ranges
from backtests.models.assumptions import Assumptions
from strategies.models import Strategy
from strategies.services import InvalidStrategy, clean_symbols
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.library import NoBars, find_series

# Periods on offer, back from the last bar.
YEARS = {10: "10 years", 5: "5 years", 3: "3 years", 1: "1 year"}


@dataclass(frozen=True, slots=True)
class Preset:
    """A period that one click chooses."""

    key: str
    label: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class DataAvailability:
    """What there are bars for: in words, what is missing ("" for nothing), and the periods on offer."""

    words: str
    missing: str
    presets: list[Preset]


def availability_of(strategy: Strategy | None, symbols: str | Iterable[str]) -> DataAvailability:
    """The bars of these symbols, else of the strategy's own, in the strategy's timeframe."""
    if strategy is None:
        return DataAvailability("", "", [])
    try:
        wanted = clean_symbols(symbols) or clean_symbols(strategy.symbols)
    except InvalidStrategy:
        return DataAvailability("", "", [])
    return availability_in(strategy.timeframe, wanted)


def availability_in(timeframe: str, symbols: str | Iterable[str]) -> DataAvailability:
    """The bars of these symbols; none for what is no symbol or no timeframe."""
    if timeframe not in list(Timeframe):
        return DataAvailability("", "", [])
    try:
        wanted = clean_symbols(symbols)
    except InvalidStrategy:
        return DataAvailability("", "", [])
    series = find_series(wanted, timeframe)
    missing = [symbol for symbol in wanted if symbol not in series]
    date_ranges = {symbol: date_range_of(found) for symbol, found in series.items()}
    return DataAvailability(
        describe_date_ranges(date_ranges),
        str(NoBars(missing, timeframe)) if missing else "",
        _presets(combined(date_ranges)),
    )


def begin(
    strategy: Strategy | None, source: Assumptions | None, typed: Mapping[str, str], preset: str
) -> tuple[dict[str, Any], DataAvailability]:
    """What the form starts with, and the availability for it.

    The strategy's symbols over all their bars; or the same again as `source`, a backtest or an optimizer run; or
    what was typed so far, as long as it was typed for this strategy. A preset then chooses the two dates.
    """
    if strategy is None:
        return {}, availability_of(None, ())
    values: dict[str, Any] = {"symbols": ", ".join(strategy.symbols)}
    if typed.get("shown_strategy") == str(strategy.pk):
        values = dict(typed)
    elif source is not None:
        values = same_again(source)
    elif not preset:
        preset = "all"
    availability = availability_of(strategy, values.get("symbols", ""))
    values |= dates_of(availability, preset)
    return values | {"strategy": strategy.pk, "shown_strategy": strategy.pk}, availability


def dates_of(availability: DataAvailability, preset: str) -> dict[str, date]:
    """The two dates of that preset; none when it is not on offer."""
    return next(({"start_date": p.start, "end_date": p.end} for p in availability.presets if p.key == preset), {})


def same_again(source: Assumptions) -> dict[str, Any]:
    """Symbols, period, capital, rules and costs, as the form's fields take them."""
    return {
        "symbols": ", ".join(source.symbols),
        "start_date": source.start_date,
        "end_date": source.end_date,
        "initial_capital": float(source.initial_capital),
        **source.rules,
        **source.costs,
    }


def _presets(whole: DateRange | None) -> list[Preset]:
    """Those that reach back no further than the bars do."""
    if whole is None or whole.first == whole.last:
        return []
    everything = Preset("all", "All", whole.first, whole.last)
    shorter = [Preset(f"{n}y", label, _years_before(whole.last, n), whole.last) for n, label in YEARS.items()]
    return [everything, *(preset for preset in shorter if preset.start > whole.first)]


def _years_before(day: date, years: int) -> date:
    day_of_month = 28 if (day.month, day.day) == (2, 29) else day.day
    return day.replace(year=day.year - years, day=day_of_month)
