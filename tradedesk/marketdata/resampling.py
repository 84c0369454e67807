"""Resampling: longer bars from shorter ones, by the session rules of docs/design.md.

- A bar of minutes or of an hour begins at the open of its session or a whole number of its lengths later; the last
  one of a session may be shorter. A daily bar is one session. A weekly bar is the sessions from Monday to Sunday,
  a monthly one those of a calendar month.
- Bars outside the regular session are left out, unless the series also trades at weekends: then a market without
  sessions is assumed, whose days begin at 04:00 UTC, as the dates of session_dates do.
- A bar that is not complete yet, because the shorter bars end before it does, is left out.
"""

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import BEHIND_UTC, COLUMNS, Bars, Timeframe, Times, read_only, session_dates
from tradedesk.marketdata.sessions import bar_close, bar_dates, bar_open, daily_times, is_session

DAY = np.timedelta64(1, "D")

# Longest first: the fewest bars to read.
_ALL = sorted(Timeframe, key=lambda timeframe: -timeframe.minutes)


def sources_of(timeframe: str) -> list[Timeframe]:
    """The timeframes that bars of this one can be made from, the longest first. A month is not made of weeks."""
    shorter = [each for each in _ALL if each.minutes < Timeframe(timeframe).minutes]
    return [each for each in shorter if each is not Timeframe.WEEK]


def made_from(timeframe: str) -> list[Timeframe]:
    """The timeframes whose bars can be made from bars of this one, the shortest first."""
    return [each for each in reversed(_ALL) if Timeframe(timeframe) in sources_of(each)]


def resample(bars: Bars, source: str, timeframe: str) -> Bars:
    """The complete bars of `timeframe` from those of the shorter timeframe `source`; possibly none.

    open: of the first, high and low: of all, close: of the last, volume: the sum.
    """
    days, place = np.unique(session_dates(bars.time), return_inverse=True)
    continuous = trades_at_weekends(days)
    begin, end = _hours(days, continuous)
    if not Timeframe(source).is_dated and not continuous:
        regular = is_session(days)[place] & (bars.time >= begin[place]) & (bars.time < end[place])
        bars, place = Bars(*(getattr(bars, name)[regular] for name in COLUMNS)), place[regular]
    if not len(bars):
        return bars
    times = _bar_times(bars.time, begin[place], timeframe)
    first = np.flatnonzero(np.append(True, times[1:] != times[:-1]))
    columns = (
        times[first],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[np.append(first[1:], len(bars)) - 1],
        np.add.reduceat(bars.volume, first),
    )
    last_day = end[place[-1]]
    reached = last_day if Timeframe(source).is_dated else bars.time[-1] + _length(source)
    complete = len(first) - int((reached < _completion(times[-1:], last_day, timeframe, continuous)).sum())
    return Bars(*(read_only(column[:complete]) for column in columns))


def trades_at_weekends(days: NDArray[np.datetime64]) -> bool:
    """Whether at least every seventh of these distinct dates is a Saturday or a Sunday."""
    weekend = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7 >= 5  # day 0 was a Thursday
    return 0 < len(days) <= 7 * int(weekend.sum())


def _hours(days: NDArray[np.datetime64], continuous: bool) -> tuple[Times, Times]:
    """The open and the close of each of these dates: of its session, or of the whole day."""
    if continuous:
        return _day_begins(days), _day_begins(days + DAY)
    midnight = daily_times(days)
    return bar_open(midnight, Timeframe.DAY), bar_close(midnight, Timeframe.DAY)


def _bar_times(times: Times, begin: Times, timeframe: str) -> Times:
    """The time of the longer bar that each bar belongs to. begin: the open of its day."""
    if not Timeframe(timeframe).is_dated:
        return begin + (times - begin) // _length(timeframe) * _length(timeframe)
    dates, place = np.unique(bar_dates(times, timeframe)[0], return_inverse=True)
    return daily_times(dates)[place]


def _completion(last: Times, last_day: np.datetime64, timeframe: str, continuous: bool) -> Times:
    """When the longer bar with the time `last` (1,) is complete, (1,). last_day: the close of its last day."""
    if not Timeframe(timeframe).is_dated:
        return np.minimum(last + _length(timeframe), last_day)
    return _day_begins(bar_dates(last, timeframe)[1]) if continuous else bar_close(last, timeframe)


def _day_begins(days: NDArray[np.datetime64]) -> Times:
    """The beginning of each of these dates in a market without sessions."""
    return (days.astype("datetime64[us]") + BEHIND_UTC).astype("datetime64[us]")


def _length(timeframe: str) -> np.timedelta64:
    return np.timedelta64(Timeframe(timeframe).minutes, "m")
