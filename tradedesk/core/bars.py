"""Bars: the prices of one symbol in one timeframe, as aligned arrays."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.compiled import njit

Floats = NDArray[np.float64]
Times = NDArray[np.datetime64]
Value = TypeVar("Value", bound=np.generic)

PRICE_COLUMNS = ("open", "high", "low", "close")
COLUMNS = ("time", *PRICE_COLUMNS, "volume")
# Dollars. Prices are rounded to a millionth where they are traded: from a cent on this changes a price by less
# than 1 part in 10,000, and below a billion float64 and SQLite hold all its digits.
LEAST_PRICE, PRICE_LIMIT = 0.01, 1e9

# UTC minus four hours has the date of New York at every hour except the last one before midnight in winter. No US
# session reaches that hour, so no time zone table is needed.
BEHIND_UTC = np.timedelta64(4, "h")
_BEHIND, _DAY = (int(span.astype("m8[us]").astype(np.int64)) for span in (BEHIND_UTC, np.timedelta64(1, "D")))
_NOT_A_TIME = np.iinfo(np.int64).min  # NaT as an integer


_MINUTES = {"1Min": 1, "5Min": 5, "15Min": 15, "1Hour": 60, "1Day": 1440, "1Week": 10_080, "1Month": 43_200}


class Timeframe(StrEnum):
    """The length of a bar. The values are the names that Alpaca and most data vendors use."""

    MINUTE = "1Min"
    FIVE_MINUTES = "5Min"
    FIFTEEN_MINUTES = "15Min"
    HOUR = "1Hour"
    DAY = "1Day"
    WEEK = "1Week"
    MONTH = "1Month"

    @property
    def minutes(self) -> int:
        """Length in minutes; a day counts as 1,440, although its session is shorter, and a month as 30 days."""
        return _MINUTES[self.value]

    @property
    def is_dated(self) -> bool:
        """Whether its bars have dates and not times of day: a bar covers one session or several."""
        return self.minutes >= _MINUTES["1Day"]


class InvalidBars(ValueError):
    """Bars that must not be used. The message names the row (counted from 0) and what is wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """n bars of one symbol: `time` is the bar's opening time in UTC (datetime64[us]), the rest float64.

    As Alpaca's, a daily bar has midnight in New York of its session, a weekly one that of its Monday and a monthly
    one that of the first day of its month, also where that day has no session.
    """

    time: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice) -> "Bars":
        return Bars(*(getattr(self, name)[rows] for name in COLUMNS))

    def values(self) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """All columns except the time."""
        return self.open, self.high, self.low, self.close, self.volume

    def __iter__(self) -> Iterator[object]:  # without it, Python would try rows by number
        raise TypeError("iterate over a column of Bars, not over Bars")

    def until(self, moment: datetime) -> "Bars":
        """The bars that open at or before `moment`."""
        return self[: int(np.searchsorted(self.time, to_datetime64(moment), side="right"))]

    def since(self, moment: datetime) -> "Bars":
        """The bars that open at or after `moment`."""
        return self[int(np.searchsorted(self.time, to_datetime64(moment), side="left")) :]


def read_only(values: NDArray[Value]) -> NDArray[Value]:
    """A contiguous read-only view for compiled functions.

    Stored bars are read-only, and numba would compile a function again for a writable array.
    """
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def to_datetime64(moment: datetime) -> np.datetime64:
    """An aware datetime as datetime64[us] in UTC. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def to_datetime(time: np.datetime64) -> datetime:
    """A datetime64 (UTC) as an aware datetime."""
    naive: datetime = time.astype("datetime64[us]").item()
    return naive.replace(tzinfo=UTC)


def session_dates(times: Times) -> NDArray[np.datetime64]:
    """The New York calendar day (datetime64[D]) of each time, which is its session."""
    return (times - BEHIND_UTC).astype("datetime64[D]")


def session_numbers(times: Times) -> NDArray[np.int64]:
    """`session_dates` of ascending times (datetime64[us]) as days since 1970, for kernels."""
    days = np.empty(len(times), np.int64)
    _number_days(read_only(times.astype("datetime64[us]", copy=False).view(np.int64)), days)
    return days


@njit(cache=True)
def _number_days(microseconds: NDArray[np.int64], days: NDArray[np.int64]) -> None:
    day, next_day = 0, _NOT_A_TIME
    for row in range(len(microseconds)):
        if microseconds[row] >= next_day:
            day = (microseconds[row] - _BEHIND) // _DAY
            next_day = (day + 1) * _DAY + _BEHIND
        days[row] = day


def validate(bars: Bars) -> None:
    """Check that no value would falsify an indicator or a fill. Raises InvalidBars, naming the first bad row."""
    sizes = {name: len(getattr(bars, name)) for name in COLUMNS}
    if len(set(sizes.values())) > 1:
        raise InvalidBars(f"The columns differ in length: {sizes}.")
    if len(bars) == 0:
        raise InvalidBars("There are no rows.")
    if _is_valid(read_only(bars.time.view(np.int64)), *(read_only(column) for column in bars.values())):
        return
    # Only invalid bars take the slower way, which finds what is wrong and where.
    for name in PRICE_COLUMNS:
        column = getattr(bars, name)
        _refuse(bars, ~np.isfinite(column), f"{name} is missing or not a number")
        _refuse(bars, column <= 0, f"{name} is zero or negative")
        _refuse(bars, column < LEAST_PRICE, f"{name} is below ${LEAST_PRICE}, too little to be traded exactly")
        _refuse(bars, column >= PRICE_LIMIT, f"{name} is not below ${PRICE_LIMIT:,.0f}")
    _refuse(bars, ~(np.isfinite(bars.volume) & (bars.volume >= 0)), "volume is missing or negative")
    _refuse(bars, bars.high < bars.low, "high is below low")
    outside = (np.maximum(bars.open, bars.close) > bars.high) | (np.minimum(bars.open, bars.close) < bars.low)
    _refuse(bars, outside, "open or close is not between low and high")
    if np.isnat(bars.time).any():
        raise InvalidBars(f"Row {int(np.isnat(bars.time).argmax())}: the time is missing.")
    step = np.diff(bars.time).astype(np.int64)
    _refuse(bars, np.concatenate(([False], step == 0)), "the time is the same as in the row before it")
    _refuse(bars, np.concatenate(([False], step < 0)), "the time is earlier than the row before it")


@njit(cache=True)
def _is_valid(
    time: NDArray[np.int64], open_: Floats, high: Floats, low: Floats, close: Floats, volume: Floats
) -> bool:
    """All checks of `validate` in one pass. Every comparison with NaN is false, so NaN is never valid."""
    faults = 0
    for row in range(len(time)):
        faults += not (
            (low[row] >= LEAST_PRICE)
            & (low[row] <= open_[row])
            & (open_[row] <= high[row])
            & (low[row] <= close[row])
            & (close[row] <= high[row])
            & (high[row] < PRICE_LIMIT)
            & (volume[row] >= 0.0)
            & (volume[row] < np.inf)
        )
    for row in range(1, len(time)):
        faults += time[row] <= time[row - 1]
    return faults == 0 and time[0] != _NOT_A_TIME


def _refuse(bars: Bars, bad: NDArray[np.bool_], what: str) -> None:
    if bad.any():
        row = int(bad.argmax())
        raise InvalidBars(f"Row {row} ({str(bars.time[row])[:16].replace('T', ' ')}): {what}.")
