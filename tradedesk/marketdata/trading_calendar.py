"""The New York Stock Exchange's sessions as arrays, from exchange_calendars.

That library brings pandas: a second and 70 MB for each process. So its answer is kept in the data folder, and
the library is imported only when there is none yet or another version of it is installed.
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
    """Aligned by session: its New York date (datetime64[D]), its opening and its close (datetime64[us], UTC)."""

    dates: NDArray[np.datetime64]
    opens: Times
    closes: Times


@cache
def trading_calendar() -> TradingCalendar:
    source = f"XNYS {FIRST} {LAST} exchange_calendars {version('exchange_calendars')}"
    path = Path(settings.DATA_DIR) / "sessions.npz"
    kept = _read(path, source)
    if kept is None:
        kept = _compute()
        _keep(path, source, kept)
    return kept


def _compute() -> TradingCalendar:
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST, end=LAST)
    return TradingCalendar(
        dates=calendar.sessions.values.astype("datetime64[D]"),
        opens=calendar.opens.to_numpy("datetime64[us]"),
        closes=calendar.closes.to_numpy("datetime64[us]"),
    )


def _read(path: Path, source: str) -> TradingCalendar | None:
    """None when there is no file, or it is of another version, or damaged: then it is made anew."""
    try:
        with np.load(path) as file:
            if str(file["source"]) != source:
                return None
            return TradingCalendar(file["dates"], file["opens"], file["closes"])
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None


def _keep(path: Path, source: str, calendar: TradingCalendar) -> None:
    beside = path.with_name(f".{uuid.uuid4().hex}.partial")
    with beside.open("wb") as file:
        np.savez(file, source=source, dates=calendar.dates, opens=calendar.opens, closes=calendar.closes)
    os.replace(beside, path)
