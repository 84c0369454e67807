"""The New York Stock Exchange's sessions as arrays, from exchange_calendars.

That library imports pandas: a second and 70 MB for each process. So the calendar is stored in the data folder, and
the library is imported only if there is no stored calendar or another version of the library is installed.

It knows no closure that was decided after its release. `use_days` puts what the broker says in its place.
"""

import os
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from tradedesk.core.bars import Times, to_datetime64

FIRST, LAST = "1960-01-01", "2050-12-31"


@dataclass(frozen=True, slots=True, eq=False)
class TradingCalendar:
    """One row per session: its New York date (datetime64[D]), its open and its close (datetime64[us], UTC)."""

    dates: NDArray[np.datetime64]
    opens: Times
    closes: Times


# The open and the close of a day, in UTC; None for a day without a session.
Hours = tuple[datetime, datetime] | None
_current: TradingCalendar | None = None


def trading_calendar() -> TradingCalendar:
    """What the desk goes by."""
    return _current or installed_calendar()


def use_days(days: Mapping[date, Hours]) -> None:
    """From now on this process has these hours on these days; on all others those of the installed calendar."""
    global _current
    _current = with_days(installed_calendar(), days) if days else None


def with_days(calendar: TradingCalendar, days: Mapping[date, Hours]) -> TradingCalendar:
    """The calendar with these hours on these days. Pure."""
    changed = np.array(sorted(days), "datetime64[D]")
    kept = ~np.isin(calendar.dates, changed)
    new = [(day, hours) for day, hours in sorted(days.items()) if hours is not None]
    dates = np.concatenate([calendar.dates[kept], np.array([day for day, _ in new], "datetime64[D]")])
    opens, closes = (
        np.concatenate([moments[kept], np.array([to_datetime64(hours[n]) for _, hours in new], "datetime64[us]")])
        for n, moments in enumerate((calendar.opens, calendar.closes))
    )
    order = np.argsort(dates, kind="stable")
    return TradingCalendar(dates[order], opens[order], closes[order])


@cache
def installed_calendar() -> TradingCalendar:
    """As exchange_calendars has it."""
    source = f"XNYS {FIRST} {LAST} exchange_calendars {version('exchange_calendars')}"
    path = Path(settings.DATA_DIR) / "sessions.npz"
    calendar = _read(path, source)
    if calendar is None:
        calendar = _compute()
        _write(path, source, calendar)
    return calendar


def _compute() -> TradingCalendar:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST, end=LAST)
    return TradingCalendar(
        dates=calendar.sessions.values.astype("datetime64[D]"),
        opens=calendar.opens.to_numpy("datetime64[us]"),
        closes=calendar.closes.to_numpy("datetime64[us]"),
    )


def _read(path: Path, source: str) -> TradingCalendar | None:
    """The stored calendar; None if there is no file, or it is of another version or damaged."""
    try:
        with np.load(path) as file:
            if str(file["source"]) != source:
                return None
            return TradingCalendar(file["dates"], file["opens"], file["closes"])
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _write(path: Path, source: str, calendar: TradingCalendar) -> None:
    partial = path.with_name(f".{uuid.uuid4().hex}.partial")
    with partial.open("wb") as file:
        np.savez(file, source=source, dates=calendar.dates, opens=calendar.opens, closes=calendar.closes)
    os.replace(partial, path)
