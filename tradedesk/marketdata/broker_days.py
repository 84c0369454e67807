"""Days on which a broker trades otherwise than the installed calendar says: an unscheduled closure or half day.

On MARKET=alpaca the broker's day counts. Live trading compares the calendars and stores the differences; it
registers how to read them. Each process takes them over where its entry points read the clock, so that no function
that asks the calendar needs the database.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from django.conf import settings

from tradedesk.core.bars import to_datetime
from tradedesk.marketdata.trading_calendar import Hours, TradingCalendar, use_days

log = logging.getLogger(__name__)

# Seconds between two readings of one process.
KEPT = 30.0
# An exchange that closes on more days than this of the next ten is more likely a wrong answer.
MOST = 4

Days = Mapping[date, Hours]
Read = Callable[[], Days]


class Implausible(Exception):
    """The broker's calendar is not taken over; the message says why."""


def differences(calendar: TradingCalendar, theirs: Days, first: date, last: date) -> dict[date, Hours]:
    """The days from `first` to `last` with other hours than in the calendar. theirs: the sessions of the broker.
    Pure. Raises Implausible."""
    rows = (calendar.dates >= np.datetime64(first)) & (calendar.dates <= np.datetime64(last))
    ours: dict[date, Hours] = {
        day: (to_datetime(opens), to_datetime(closes))
        for day, opens, closes in zip(
            calendar.dates[rows].tolist(), calendar.opens[rows], calendar.closes[rows], strict=True
        )
    }
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    found = {day: theirs.get(day) for day in days if theirs.get(day) != ours.get(day)}
    if not any(theirs.get(day) for day in days) and ours:
        raise Implausible(f"It has no session from {first} to {last}.")
    if len(found) > MOST:
        raise Implausible(f"It differs on {len(found)} of the days from {first} to {last}.")
    return found


@dataclass
class _Reader:
    """What this process has taken over, and when it reads again (monotonic)."""

    read: Read | None = None
    again_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


_reader = _Reader()


def register(read: Read) -> None:
    _reader.read, _reader.again_at = read, 0.0


def take_over() -> None:
    """Read the days, unless this process has just done so. It raises nothing: the days of before stay."""
    now = time.monotonic()
    if settings.MARKET != "alpaca" or _reader.read is None or now < _reader.again_at:
        return
    if not _reader.lock.acquire(blocking=False):
        return
    try:
        _reader.again_at = now + KEPT
        use_days(_reader.read())
    except Exception:
        log.warning("The broker's trading days could not be read.", exc_info=True)
    finally:
        _reader.lock.release()
