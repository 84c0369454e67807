"""DateRange: the first and the last day with bars."""

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from tradedesk.marketdata.models import BarSeries


class DateRange(NamedTuple):
    """The sessions of the first and of the last bar."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


def date_range_of(series: BarSeries) -> DateRange:
    return DateRange(*series.days)


def combined(date_ranges: Mapping[str, DateRange]) -> DateRange | None:
    """From the first to the last day on which any of the symbols has bars; None without symbols."""
    if not date_ranges:
        return None
    return DateRange(
        min(each.first for each in date_ranges.values()), max(each.last for each in date_ranges.values())
    )


def describe_date_ranges(date_ranges: Mapping[str, DateRange]) -> str:
    """The symbols grouped by date range: "AAPL, IBM 2000-01-03 to 2012-12-31; FB 2012-05-18 to 2012-12-31"."""
    symbols: dict[DateRange, list[str]] = {}
    for symbol, each in date_ranges.items():
        symbols.setdefault(each, []).append(symbol)
    return "; ".join(f"{', '.join(names)} {each}" for each, names in symbols.items())
