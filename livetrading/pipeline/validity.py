"""How long an entry may be sent, and when the newest bar of a symbol is too old. Pure.

An entry is meant for the first open after the close of its bar, the one that a backtest fills at. Afterwards it
may still be sent for a while, its grace; an exit may be sent at any time.
"""

from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np

from livetrading.models import Order
from tradedesk.core.bars import Timeframe, to_datetime, to_datetime64
from tradedesk.marketdata.sessions import NEW_YORK, bar_close, is_open, next_bar_close, next_open

# After the open, for a daily bar and longer ones. An entry of shorter bars is valid until the next bar has closed.
GRACE = timedelta(minutes=30)


@lru_cache(maxsize=1024)
def entry_valid_until(closed_at: datetime, timeframe: str) -> datetime:
    """The last moment at which the entry of a bar that closed at `closed_at` may be sent."""
    if not Timeframe(timeframe).is_dated:
        return next_bar_close(closed_at, timeframe)
    return (closed_at if is_open(closed_at) else next_open(closed_at)) + GRACE


@lru_cache(maxsize=1024)
def close_of(bar_time: datetime, timeframe: str) -> datetime:
    """When the bar with this time is complete."""
    return to_datetime(bar_close(np.array([to_datetime64(bar_time)]), timeframe)[0])


def valid_until(order: Order) -> datetime | None:
    """The last market time at which this order may be sent; None for an exit."""
    if order.purpose != Order.Purpose.ENTRY:
        return None
    return order.valid_until or entry_valid_until(order.created_at, order.timeframe)


def is_stale(newest: datetime, timeframe: str, now: datetime) -> bool:
    """Whether a symbol whose newest closed bar has this time should have a newer one: at `now`, the entries of the
    bar after it would be too late already."""
    return now > _next_bar_due(newest, timeframe)


@lru_cache(maxsize=1024)
def _next_bar_due(newest: datetime, timeframe: str) -> datetime:
    return entry_valid_until(next_bar_close(close_of(newest, timeframe), timeframe), timeframe)


def in_words(moment: datetime) -> str:
    """For a sentence: "2012-03-07 10:00 ET"."""
    return f"{moment.astimezone(NEW_YORK):%Y-%m-%d %H:%M} ET"
