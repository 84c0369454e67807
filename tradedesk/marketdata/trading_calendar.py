"""The New York Stock Exchange's sessions as arrays, from exchange_calendars.

That library imports pandas: a second and 70 MB for each process. So the calendar is stored in the data folder, and
the library is imported only if there is no stored calendar or another version of the library is installed.
"""

import os
import uuid
import zipfile
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from tradedesk.core.bars import Times

FIRST, LAST = "1960-01-01", "2050-12-31"


@dataclass(frozen=True, slots=True, eq=False)
class TradingCalendar:
    """One row per session: its New York date (datetime64[D]), its open and its close (datetime64[us], UTC)."""

    dates: NDArray[np.datetime64]
    opens: Times
    closes: Times


@cache
def trading_calendar() -> TradingCalendar:
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
