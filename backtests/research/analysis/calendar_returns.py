"""Calendar returns: the return of each month and each year of an equity curve."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.metrics import total_return

Dates = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Cell:
    """value: the return as a fraction, None when no equity was left. whole: the curve has every session of the
    month or year, and no session is missing just before it.
    """

    value: float | None
    whole: bool


@dataclass(frozen=True, slots=True)
class Year:
    """months: January to December, None for a month without a session of the curve."""

    number: int
    months: tuple[Cell | None, ...]
    total: Cell


def calendar_returns(sessions: Dates, equity: Floats, capital: float, calendar: Dates) -> list[Year]:
    """The returns by year and month, in chronological order.

    sessions (k,): datetime64[D]; equity (k,): dollars at their ends; calendar: the exchange's sessions of all
    years that these touch. The return of a month is E_last / E_before - 1, E_last at its last session and E_before
    at the last one before it, the capital before the first; so 1 + the year's return is the product over its
    months. Source: C. R. Bacon, Practical Portfolio Performance Measurement and Attribution, ch. 2 (linking).
    """
    if not len(sessions):
        return []
    months = _cells(sessions, equity, capital, calendar, "M")
    years = _cells(sessions, equity, capital, calendar, "Y")
    return [
        Year(
            number=year.year,
            months=tuple(months.get(year.replace(month=month)) for month in range(1, 13)),
            total=total,
        )
        for year, total in years.items()
    ]


def _cells(sessions: Dates, equity: Floats, capital: float, calendar: Dates, unit: str) -> dict[date, Cell]:
    """The return of each month ("M") or year ("Y") with a session, by its first day, in chronological order."""
    spans = sessions.astype(f"datetime64[{unit}]")
    last = np.flatnonzero(np.append(spans[1:] != spans[:-1], True))
    levels = equity[last]
    before = np.concatenate(((capital,), levels[:-1]))
    missing = np.setdiff1d(calendar, sessions)
    # The return of a gap counts in the span after the gap, also when whole spans are missing.
    following = np.searchsorted(sessions, missing)
    within = (following > 0) & (following < len(sessions))
    partial = {*_first_days(missing, unit), *_first_days(spans[following[within]], unit)}
    rows = zip(_first_days(spans[last], unit), levels.tolist(), before.tolist(), strict=True)
    return {
        span: Cell(total_return(level, start) if start > 0.0 else None, span not in partial)
        for span, level, start in rows
    }


def _first_days(dates: Dates, unit: str) -> list[date]:
    days: list[date] = dates.astype(f"datetime64[{unit}]").astype("datetime64[D]").tolist()
    return days
