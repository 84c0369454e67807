"""Hand-made daily bars from Monday 5 March 2012 on: row n is the session of DAYS[n].

The signals of the Donchian strategy TWO_BARS are easy to check: it buys on a close above the previous two bars and
sells on a close below them. Its warm-up is three bars.
"""

from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from tradedesk.core.bars import Bars, validate
from tradedesk.marketdata.bar_folder import delete_file, write_file
from tradedesk.marketdata.library import CACHE
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.series import SeriesKey, save_series
from tradedesk.marketdata.sessions import daily_time, daily_times, session_close, session_open, sessions_between

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAYS: list[date] = sessions_between(date(2012, 3, 5), date(2012, 7, 31)).tolist()
TIMES = [daily_time(day) for day in DAYS]
OPENS = [session_open(day) for day in DAYS]
CLOSES = [session_close(day) for day in DAYS]

TWO_BARS: dict[str, Any] = {"kind": "donchian_breakout", "parameters": {"entry": 2, "exit": 2}}


def flat(*prices: float, first: int = 0) -> Bars:
    """One bar for each session, which opens and closes at its price."""
    return traded(*((price, price, price, price) for price in prices), first=first)


def traded(*rows: tuple[float, float, float, float], first: int = 0) -> Bars:
    """One bar for each session from its open, high, low and close."""
    days = np.array(DAYS[first : first + len(rows)], dtype="datetime64[D]")
    open_, high, low, close = np.array(rows, np.float64).T
    bars = Bars(daily_times(days), open_, high, low, close, np.full(len(rows), 1e6))
    validate(bars)
    return bars


def store_bars(timeframe: str = "1Day", **bars: Bars) -> None:
    """Store these bars as all imported bars of their symbols."""
    for symbol, own in bars.items():
        key = SeriesKey("csv", symbol, timeframe)
        stored = BarSeries.objects.filter(**key._asdict()).first()
        save_series(key, own, adjusted=True, stored=stored, now=NOW)


def damage_bars(symbol: str) -> None:
    """Make the stored bars of `symbol` unreadable: their files are damaged."""
    for path in _paths(symbol):
        write_file(path, b"These are no bars.")


def remove_bar_file(symbol: str) -> None:
    """Make the file of the stored bars of `symbol` missing."""
    for path in _paths(symbol):
        delete_file(path)


def replace_by_later_bars(symbol: str) -> None:
    """Leave `symbol` without a bar that has closed: what is stored begins after the tests."""
    store_bars("1Day", **{symbol: flat(100, 100, first=70)})


def _paths(symbol: str) -> list[str]:
    """The files of the bars of `symbol`, which are not kept in memory any more."""
    CACHE.clear()
    return [path for series in BarSeries.objects.filter(symbol=symbol) for path in series.paths]
