"""The findings about bars that a result used: what the pages and the evidence repeat."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.quality import Finding
from tradedesk.marketdata.sessions import daily_time


class BarsUse(NamedTuple):
    """The bars of a result. start, end: its first and its last day in New York."""

    symbols: Sequence[str]
    timeframe: str
    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Doubt:
    """A finding about the bars of a symbol, as far as they were used."""

    symbol: str
    finding: Finding

    def __str__(self) -> str:
        return f"{self.symbol}: {self.finding.message}"


def read_doubts(user_id: int, uses: Sequence[BarsUse]) -> list[list[Doubt]]:
    """For each use the findings about the bars that this user reads. One query for each timeframe, whatever the
    number of uses."""
    symbols: dict[str, set[str]] = {}
    for use in uses:
        symbols.setdefault(use.timeframe, set()).update(use.symbols)
    series = {timeframe: find_series(user_id, wanted, timeframe) for timeframe, wanted in symbols.items()}
    return [
        doubts_of(
            (series[use.timeframe][s] for s in use.symbols if s in series[use.timeframe]), use.start, use.end
        )
        for use in uses
    ]


def doubts_of(series: Iterable[BarSeries], start: date, end: date) -> list[Doubt]:
    """What is doubtful about these series from `start` to `end`. Hard findings count from the first bar on:
    earlier bars warm up the indicators, and the adjustment of one price changes all before it."""
    first, last = daily_time(start), daily_time(end + timedelta(days=1)) - timedelta(microseconds=1)
    return [
        Doubt(each.symbol, within)
        for each in series
        for finding in each.doubts
        if (within := finding.within(None if finding.hard else first, last))
    ]
