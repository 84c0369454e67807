"""When a series trades: in the sessions of the exchange, or around the clock, as currencies do."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Timeframe, Times, session_dates
from tradedesk.marketdata.trading_calendar import trading_calendar

Dates = NDArray[np.datetime64]
SATURDAY, SUNDAY = 5, 6
# The eight hours (UTC-4) in which no US exchange trades, regular or extended. A market around the clock has bars
# in all of them, a third of its bars; times that were read in the wrong zone reach a few.
NIGHT, NIGHT_HOURS, NIGHT_PART = (20, 21, 22, 23, 0, 1, 2, 3), 7, 0.12


@dataclass(frozen=True, slots=True)
class Hours:
    """weekdays: the days of the week that trade around the clock, Monday is 0; empty for the exchange's
    sessions."""

    weekdays: frozenset[int] = frozenset()

    @property
    def around_the_clock(self) -> bool:
        return bool(self.weekdays)

    def days(self, first: np.datetime64, last: np.datetime64) -> Dates:
        """The dates that trade from `first` to `last`, both included."""
        if not self.weekdays:
            dates = trading_calendar().dates
            return dates[(dates >= first) & (dates <= last)]
        every = np.arange(first, last + 1)
        return every[np.isin(weekday(every), list(self.weekdays))]

    def off_days(self, dates: Dates) -> NDArray[np.bool_]:
        """Which of these ascending dates have no trading. The calendar knows nothing before 1960."""
        off = ~np.isin(dates, self.days(dates[0], dates[-1]))
        return off if self.weekdays else off & (dates >= trading_calendar().dates[0])

    def inside(self, times: Times) -> NDArray[np.bool_]:
        """Which bars open in a regular session, from its open up to, but not at, its close."""
        if self.weekdays:
            return np.ones(len(times), bool)
        calendar = trading_calendar()
        row = np.maximum(np.searchsorted(calendar.opens, times, side="right") - 1, 0)
        return (times >= calendar.opens[row]) & (times < calendar.closes[row])


def weekday(dates: Dates) -> NDArray[np.int64]:
    """Monday is 0, as in Python. 1970-01-01 was a Thursday."""
    return (dates.astype("datetime64[D]").astype(np.int64) + 3) % 7


def hours_of(times: Times, timeframe: str) -> Hours:
    """Decided by the times of the bars (in any order): whether most weekends have bars, and the nights."""
    dates = np.unique(session_dates(times))
    saturdays, sundays = _has_most(dates, SATURDAY), _has_most(dates, SUNDAY)
    if saturdays and sundays:
        return Hours(frozenset(range(7)))
    week = frozenset(range(5)) | ({SUNDAY} if sundays else set())
    if Timeframe(timeframe).is_dated:
        return Hours(week) if sundays else Hours()
    hours = (times - np.timedelta64(4, "h")).astype("datetime64[h]").astype(np.int64) % 24
    whole_night = np.isin(NIGHT, hours).sum() >= NIGHT_HOURS and np.isin(hours, NIGHT).mean() >= NIGHT_PART
    return Hours(week) if whole_night else Hours()


def _has_most(dates: Dates, day: int) -> bool:
    """Whether there are bars on at least half of these days of the week, between the first and the last bar."""
    every = np.arange(dates[0], dates[-1] + 1)
    possible = int((weekday(every) == day).sum())
    return possible > 0 and 2 * int((weekday(dates) == day).sum()) >= possible
