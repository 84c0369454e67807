"""Bars for figures over many series, within a bound: the pages that need them are opened by hand, never polled."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from tradedesk.core.bars import Bars
from tradedesk.marketdata.library import NoBars, bars_of, closed, find_series
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.quotes import Series
from tradedesk.marketdata.store import DamagedBars

# About a second of reading from a disk when nothing is in memory; a year of minutes is 100,000 bars.
MOST_BARS = 1_500_000


def load_within(
    user_id: int, wanted: Iterable[Series], now: datetime, most: int = MOST_BARS
) -> dict[Series, Bars]:
    """The bars of these series that have closed at `now`, the most wanted ones first, until `most` bars are read.
    A series beyond that, or without readable bars, is absent. One query for each timeframe."""
    times = Counter(wanted)
    by_timeframe: dict[str, list[str]] = {}
    for symbol, timeframe in times:
        by_timeframe.setdefault(timeframe, []).append(symbol)
    rows: dict[Series, BarSeries] = {
        (symbol, timeframe): row
        for timeframe, symbols in by_timeframe.items()
        for symbol, row in find_series(user_id, symbols, timeframe).items()
    }
    found: dict[Series, Bars] = {}
    left = most
    for series, _ in times.most_common():
        row = rows.get(series)
        count = (row.source or row).count if row is not None else 0
        if row is None or count > left:
            continue
        left -= count
        try:
            found[series] = closed(bars_of(row), series[1], now)
        except (NoBars, DamagedBars, OSError):
            continue
    return found
