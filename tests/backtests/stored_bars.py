"""Changes of the stored bars of a symbol: such that matter to a result until 2010-12-31, and such that do not."""

from collections.abc import Callable
from datetime import date

import numpy as np

from tests.backtests.runs import NOW
from tradedesk.core.bars import COLUMNS, Bars, to_datetime64, validate
from tradedesk.marketdata.library import find_series, load_bars
from tradedesk.marketdata.series import SeriesKey, save_series
from tradedesk.marketdata.sessions import daily_time

Change = Callable[[Bars], Bars]


def store_changed(change: Change, symbol: str = "AAPL") -> None:
    """Store the daily bars of the symbol with this change, as an import does."""
    series = find_series(None, [symbol], "1Day")[symbol]
    bars = change(load_bars(None, symbol, "1Day"))
    validate(bars)
    key = SeriesKey(series.provider, symbol, "1Day")
    save_series(key, bars, adjusted=True, stored=series, now=NOW)


def _without(day: date) -> Change:
    return lambda bars: _rows(bars, bars.time != _time(day))


def _with(day: date) -> Change:
    """Another bar, with the prices of the bar before it."""

    def add(bars: Bars) -> Bars:
        row = int(np.searchsorted(bars.time, _time(day)))
        assert _time(day) not in bars.time
        columns = (np.insert(getattr(bars, name), row, getattr(bars, name)[row - 1]) for name in COLUMNS[1:])
        return Bars(np.insert(bars.time, row, _time(day)), *columns)

    return add


def _changed(day: date) -> Change:
    def change(bars: Bars) -> Bars:
        assert _time(day) in bars.time
        volume = np.where(bars.time == _time(day), bars.volume + 1, bars.volume)
        return Bars(bars.time, *bars.values()[:4], volume)

    return change


def _rows(bars: Bars, kept: np.ndarray) -> Bars:
    assert not kept.all()
    return Bars(*(getattr(bars, name)[kept] for name in COLUMNS))


def _time(day: date) -> np.datetime64:
    return to_datetime64(daily_time(day))


APPENDED = _with(date(2013, 7, 1))
AFTER_THE_END = {
    "a new bar": APPENDED,
    "the first bar after the end changed": _changed(date(2011, 1, 3)),
    "a bar after the end removed": _without(date(2012, 6, 1)),
}
# The fourth of July has no session, so no bar.
UP_TO_THE_END = {
    "changed": _changed(date(2007, 6, 1)),
    "removed": _without(date(2007, 6, 1)),
    "added": _with(date(2007, 7, 4)),
    "the last one changed": _changed(date(2010, 12, 31)),
    "the last one removed": _without(date(2010, 12, 31)),
    "before the start changed": _changed(date(2004, 12, 31)),
    "before the start removed": _without(date(2002, 3, 1)),
    "before the start added": _with(date(2002, 7, 4)),
}
