"""The trading hours of the US market: sessions, holidays and half days of the New York Stock Exchange (XNYS)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Timeframe, Times, session_dates, to_datetime, to_datetime64
from tradedesk.marketdata.trading_calendar import trading_calendar

NEW_YORK = ZoneInfo("America/New_York")


def bar_open(times: Times, timeframe: str) -> Times:
    """When the trading of bars with these times begins, in UTC: a daily bar at the open of its session, others at
    their time. A daily bar on a date without a session begins at its time.
    """
    if Timeframe(timeframe) is not Timeframe.DAY:
        return times
    return _of_session(times, trading_calendar().opens, otherwise=times)


def bar_close(times: Times, timeframe: str) -> Times:
    """When bars with these times are complete, in UTC: a daily bar at the close of its session (earlier on half
    days), others after their length. A daily bar on a date without a session is complete 24 hours after its time.
    """
    length = np.timedelta64(Timeframe(timeframe).minutes, "m")
    if Timeframe(timeframe) is not Timeframe.DAY:
        return times + length
    return _of_session(times, trading_calendar().closes, otherwise=times + length)


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


def next_bar_close(moment: datetime, timeframe: str) -> datetime:
    """The close of the first bar that opens at `moment` or later. Raises LookupError after the end of the
    calendar."""
    if Timeframe(timeframe) is Timeframe.DAY:
        return next_close(moment)
    opens = moment if is_open(moment) else next_open(moment)
    return opens + timedelta(minutes=Timeframe(timeframe).minutes)


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


def daily_time(day: date) -> datetime:
    """The time of that day's daily bar: midnight in New York, in UTC."""
    return datetime.combine(day, time(), NEW_YORK).astimezone(UTC)


def _rows(dates: NDArray[np.datetime64]) -> NDArray[np.intp]:
    """For each date the row of its session, or the row of another date if it has no session."""
    calendar = trading_calendar()
    return np.minimum(np.searchsorted(calendar.dates, dates), len(calendar.dates) - 1)


def _of_session(times: Times, moments: Times, *, otherwise: Times) -> Times:
    dates = session_dates(times)
    return np.where(is_session(dates), moments[_rows(dates)], otherwise)


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
