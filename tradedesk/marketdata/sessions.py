"""The trading hours of the US market: sessions, holidays and half days of the New York Stock Exchange (XNYS)."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Timeframe, Times, session_dates, to_datetime, to_datetime64
from tradedesk.marketdata.trading_calendar import trading_calendar

NEW_YORK = ZoneInfo("America/New_York")


def bar_open(times: Times, timeframe: str) -> Times:
    """When the trading of bars with these times begins, in UTC: a dated bar at the open of its first session,
    others at their time. A dated bar without a session begins at its time.
    """
    if not Timeframe(timeframe).is_dated:
        return times
    calendar, (start, end) = trading_calendar(), bar_dates(times, timeframe)
    rows = np.minimum(np.searchsorted(calendar.dates, start), len(calendar.dates) - 1)
    found = (calendar.dates[rows] >= start) & (calendar.dates[rows] < end)
    return np.where(found, calendar.opens[rows], times)


def bar_close(times: Times, timeframe: str) -> Times:
    """When bars with these times are complete, in UTC: a dated bar at the close of its last session (earlier on
    half days), others after their length. A dated bar without a session is complete after its days, of 24 hours.
    """
    if not Timeframe(timeframe).is_dated:
        return times + np.timedelta64(Timeframe(timeframe).minutes, "m")
    calendar, (start, end) = trading_calendar(), bar_dates(times, timeframe)
    rows = np.maximum(np.searchsorted(calendar.dates, end) - 1, 0)
    found = (calendar.dates[rows] >= start) & (calendar.dates[rows] < end)
    return np.where(found, calendar.closes[rows], times + (end - start))


def bar_dates(times: Times, timeframe: str) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """The first date (datetime64[D]) of the dated bar that each time belongs to, and the first date after it; see
    spans_of_dates."""
    return spans_of_dates(session_dates(times), timeframe)


def spans_of_dates(
    dates: NDArray[np.datetime64], timeframe: str
) -> tuple[NDArray[np.datetime64], NDArray[np.datetime64]]:
    """The first date of the dated bar that each date belongs to, and the first date after it: the date itself,
    Monday to Monday, or the first day of a month to that of the next."""
    if Timeframe(timeframe) is Timeframe.MONTH:
        month = dates.astype("datetime64[M]")
        return month.astype("datetime64[D]"), (month + 1).astype("datetime64[D]")
    if Timeframe(timeframe) is Timeframe.WEEK:
        # Day 0 of 1970 was a Thursday.
        monday = dates - ((dates.astype(np.int64) + 3) % 7).astype("timedelta64[D]")
        return monday, monday + np.timedelta64(7, "D")
    return dates, dates + np.timedelta64(1, "D")


def is_session(dates: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Which of these New York dates (datetime64[D]) have a session."""
    return np.equal(trading_calendar().dates[_rows(dates)], dates)


def is_open(now: datetime) -> bool:
    """Whether the market is open at `now`: from the open up to, but not at, the close."""
    calendar = trading_calendar()
    row = int(np.searchsorted(calendar.opens, to_datetime64(now), side="right")) - 1
    return row >= 0 and bool(to_datetime64(now) < calendar.closes[row])


def next_open(now: datetime) -> datetime:
    """The first open after `now`. Raises LookupError after the end of the calendar."""
    return _after(now, trading_calendar().opens)


def next_close(now: datetime) -> datetime:
    """The first close after `now`. Raises LookupError after the end of the calendar."""
    return _after(now, trading_calendar().closes)


def previous_close(now: datetime) -> datetime:
    """The last close at or before `now`. Raises LookupError before the start of the calendar."""
    closes = trading_calendar().closes
    row = int(np.searchsorted(closes, to_datetime64(now), side="right")) - 1
    if row < 0:
        raise LookupError(f"The trading calendar begins after {now:%Y-%m-%d}.")
    return to_datetime(closes[row])


def closes_before(now: datetime, number: int) -> datetime:
    """The close that is `number` sessions before the last close at or before `now`. Raises LookupError before the
    start of the calendar."""
    closes = trading_calendar().closes
    row = int(np.searchsorted(closes, to_datetime64(now), side="right")) - 1 - number
    if row < 0:
        raise LookupError(f"The trading calendar begins after {now:%Y-%m-%d}.")
    return to_datetime(closes[row])


def open_market_before(now: datetime, length: timedelta) -> datetime:
    """The moment since which the market was open for `length` in all: nights, weekends and holidays do not count.
    Raises LookupError before the start of the calendar."""
    calendar = trading_calendar()
    row = int(np.searchsorted(calendar.opens, to_datetime64(now), side="right")) - 1
    while row >= 0:
        opened, closed = to_datetime(calendar.opens[row]), min(now, to_datetime(calendar.closes[row]))
        if closed - opened >= length:
            return closed - length
        length -= closed - opened
        row -= 1
    raise LookupError(f"The trading calendar begins after {now:%Y-%m-%d}.")


def next_bar_close(moment: datetime, timeframe: str) -> datetime:
    """The close of the first bar that opens at `moment` or later; of dated bars the first close after `moment`.
    Raises LookupError after the end of the calendar."""
    if Timeframe(timeframe).is_dated:
        close = _dated_close(moment, timeframe)
        return close if close > moment else _dated_close(next_open(moment), timeframe)
    opens = moment if is_open(moment) else next_open(moment)
    return opens + timedelta(minutes=Timeframe(timeframe).minutes)


def next_bar_open(moment: datetime, timeframe: str) -> datetime:
    """The open of the first dated bar that opens at `moment` or later. Raises LookupError after the end of the
    calendar."""
    opens = next_open(moment - timedelta(microseconds=1))
    first = bar_open(np.array([to_datetime64(opens)]), timeframe)[0]
    return opens if to_datetime(first) == opens else next_open(_dated_close(opens, timeframe))


def previous_bar_close(now: datetime, timeframe: str) -> datetime:
    """The last close of a dated bar at or before `now`; for shorter bars that of a session. Raises LookupError
    before the start of the calendar."""
    closed = previous_close(now)
    if not Timeframe(timeframe).is_dated or _dated_close(closed, timeframe) <= now:
        return closed
    first, _ = bar_dates(np.array([to_datetime64(closed)]), timeframe)
    return previous_close(daily_time(first[0].astype(date)))


def session_open(day: date) -> datetime:
    """The open of the session on that New York day, in UTC. Raises LookupError if the day has no session."""
    return to_datetime(trading_calendar().opens[_row(day)])


def session_close(day: date) -> datetime:
    """The close of the session on that New York day, in UTC. Raises LookupError if the day has no session."""
    return to_datetime(trading_calendar().closes[_row(day)])


def sessions_between(first: date, last: date) -> NDArray[np.datetime64]:
    """The dates (datetime64[D]) of the sessions from `first` to `last`, both included."""
    dates = trading_calendar().dates
    return dates[(dates >= np.datetime64(first)) & (dates <= np.datetime64(last))]


def daily_times(dates: NDArray[np.datetime64]) -> Times:
    """The times of daily bars of these dates: midnight in New York, in UTC (datetime64[us])."""
    return np.array([to_datetime64(daily_time(day)) for day in dates.tolist()], dtype="datetime64[us]")


@lru_cache(8192)
def daily_time(day: date) -> datetime:
    """The time of that day's daily bar: midnight in New York, in UTC."""
    return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)


def _rows(dates: NDArray[np.datetime64]) -> NDArray[np.intp]:
    """For each date the row of its session, or the row of another date if it has no session."""
    calendar = trading_calendar()
    return np.minimum(np.searchsorted(calendar.dates, dates), len(calendar.dates) - 1)


def _dated_close(moment: datetime, timeframe: str) -> datetime:
    """The close of the dated bar that this moment belongs to."""
    return to_datetime(bar_close(np.array([to_datetime64(moment)]), timeframe)[0])


def _row(day: date) -> int:
    row = int(_rows(np.array([day], dtype="datetime64[D]"))[0])
    if trading_calendar().dates[row] != np.datetime64(day):
        raise LookupError(f"{day} has no session on the New York Stock Exchange.")
    return row


def _after(now: datetime, moments: Times) -> datetime:
    row = int(np.searchsorted(moments, to_datetime64(now), side="right"))
    if row == len(moments):
        raise LookupError(f"The trading calendar ends before {now:%Y-%m-%d}.")
    return to_datetime(moments[row])
