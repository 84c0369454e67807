"""The bars of a file that may be stored: those that have closed, and those of the regular sessions."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Bars, Timeframe, Times, session_dates, to_datetime64
from tradedesk.marketdata.quality.finding import Finding, finding, span
from tradedesk.marketdata.quality.gaps import spans_of
from tradedesk.marketdata.quality.hours import Hours, hours_of
from tradedesk.marketdata.quality.spacing import spacing
from tradedesk.marketdata.sessions import bar_close
from tradedesk.marketdata.trading_calendar import trading_calendar

DAY = np.timedelta64(1, "D")
EDGE = np.timedelta64(1, "h")


@dataclass(frozen=True, slots=True, eq=False)
class Trimmed:
    """bars: what is left. left_out: findings about the others. A hard one says why nothing was left out."""

    bars: Bars
    left_out: list[Finding]


def trimmed(bars: Bars, timeframe: str, *, beside: Bars | None, accept: Collection[str], now: datetime) -> Trimmed:
    """The bars of a file without those that are not closed and those outside the regular sessions.

    beside: the stored bars, which tell the hours of a short file too. accept: with "outside_session" bars
    outside the sessions are kept; that finding is hard where few sessions have bars from the open to the close,
    because the times are of another zone or market then. now: wall time.
    """
    if wrong := spacing(bars, timeframe):
        return Trimmed(bars, wrong)
    hours = hours_of(np.concatenate((beside.time, bars.time)) if beside else bars.time, timeframe)
    closed, unclosed = _closed(bars, timeframe, hours, now)
    if Timeframe(timeframe).is_dated or "outside_session" in accept or not len(closed):
        return Trimmed(closed, unclosed)
    inside = hours.inside(closed.time)
    off = spans_of(closed, ~inside)
    if off and not _covers_sessions(closed.time, inside):
        return Trimmed(closed, unclosed + finding("outside_session", off, hard=True))
    unclosed += finding("outside_session", off)
    return Trimmed(Bars(closed.time[inside], *(column[inside] for column in closed.values())), unclosed)


def _closed(bars: Bars, timeframe: str, hours: Hours, now: datetime) -> tuple[Bars, list[Finding]]:
    """The bars that have closed. running_bar: those left out. future: bars that cannot exist yet."""
    moment = to_datetime64(now)
    # In other time zones the day may be one further on.
    ahead = DAY if hours.around_the_clock and Timeframe(timeframe).is_dated else np.timedelta64(0)
    last = len(bars) - 1
    if len(future := np.flatnonzero(bars.time > moment + ahead)):
        return bars, finding("future", [span(bars.time, int(future[0]), last)], hard=True)
    closed = int((_closes(bars.time, timeframe, hours) <= moment).sum())
    return bars[:closed], finding("running_bar", [span(bars.time, closed, last)] if closed <= last else [])


def _closes(times: Times, timeframe: str, hours: Hours) -> Times:
    if hours.around_the_clock:
        return times + np.timedelta64(Timeframe(timeframe).minutes, "m")
    return bar_close(times, timeframe)


def _covers_sessions(times: Times, inside: NDArray[np.bool_]) -> bool:
    """Whether at least half of the days have a bar in the first hour of the session and one in its last."""
    calendar = trading_calendar()
    kept = times[inside]
    row = np.maximum(np.searchsorted(calendar.opens, kept, side="right") - 1, 0)
    days = len(np.unique(session_dates(times)))
    with_open = len(np.unique(row[kept < calendar.opens[row] + EDGE]))
    with_close = len(np.unique(row[kept >= calendar.closes[row] - EDGE]))
    return 2 * min(with_open, with_close) >= days
