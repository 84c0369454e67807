"""What Alpaca answers, as values: bars, quotes and trades. Pure."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import numpy as np

from tradedesk.core.bars import COLUMNS, LEAST_PRICE, PRICE_LIMIT, Bars, Timeframe, Times, read_only, session_dates
from tradedesk.marketdata.feeds.protocol import FeedFailed, Quote, Trade
from tradedesk.marketdata.sessions import bar_close, bar_open, daily_times, is_session

log = logging.getLogger(__name__)


def bars_of_page(answer: Any, timeframe: str) -> dict[str, Bars]:
    """The bars of each symbol in one page: ascending, of the regular sessions. Raises FeedFailed."""
    pages = {}
    unreadable = []
    for symbol, rows in _part(answer, "bars").items():
        try:
            if rows:
                pages[str(symbol)] = _regular(str(symbol), _bars(rows), timeframe)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            unreadable.append(str(symbol))
    if unreadable and not pages:
        raise FeedFailed("Alpaca's answer has bars that cannot be read.")
    if unreadable:
        log.error("Alpaca's bars of %s cannot be read.", ", ".join(unreadable))
    return pages


def next_page(answer: Any) -> str:
    """The token of the next page; "" after the last one."""
    token = answer.get("next_page_token")
    return token if isinstance(token, str) else ""


def quotes_of(answer: Any) -> dict[str, Quote]:
    """Symbols that have a bid and an ask; outside the session a side is often missing. Raises FeedFailed."""
    quotes = {}
    for symbol, row in _part(answer, "quotes").items():
        bid, ask, time = _number(row, "bp"), _number(row, "ap"), _moment(row)
        if bid and ask and time and 0 < bid <= ask:
            quotes[str(symbol)] = Quote(bid=bid, ask=ask, time=time)
    return quotes


def trades_of(answer: Any) -> dict[str, Trade]:
    """The newest trade of each symbol. Raises FeedFailed."""
    trades = {}
    for symbol, row in _part(answer, "trades").items():
        price, time = _number(row, "p"), _moment(row)
        if price and time and price > 0:
            trades[str(symbol)] = Trade(price=price, time=time)
    return trades


def _part(answer: Any, name: str) -> Mapping[str, Any]:
    found = answer.get(name) if isinstance(answer, dict) else None
    if found is None and isinstance(answer, dict) and name in answer:
        return {}  # Alpaca writes null when there is nothing
    if not isinstance(found, dict):
        raise FeedFailed(f"Alpaca's answer has no {name}.")
    return found


def _bars(rows: list[Mapping[str, Any]]) -> Bars:
    """Raises KeyError, TypeError and ValueError."""
    times = np.array([_utc(row["t"]) for row in rows], dtype="datetime64[us]")
    columns = (np.array([float(row[key]) for row in rows]) for key in "ohlcv")
    return Bars(times, *columns)


def _utc(text: str) -> str:
    """An RFC 3339 time in UTC as numpy reads it: without the zone, and with microseconds at most."""
    if not text.endswith("Z"):
        raise ValueError(text)
    return text[:-1][:26]


def _regular(symbol: str, bars: Bars, timeframe: str) -> Bars:
    """Ascending, without bars that no trade in a regular session makes, and without invalid ones."""
    order = np.argsort(bars.time, kind="stable")
    bars = Bars(*(getattr(bars, name)[order] for name in COLUMNS))
    wanted = _in_session(bars.time, timeframe)
    low, high = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
    valid = (bars.low >= LEAST_PRICE) & (bars.low <= low) & (high <= bars.high) & (bars.high < PRICE_LIMIT)
    valid &= np.isfinite(bars.volume) & (bars.volume >= 0)
    valid[1:] &= bars.time[1:] > bars.time[:-1]
    if dropped := int((wanted & ~valid).sum()):
        log.warning("Alpaca sent %s bars of %s %s that are no bars.", dropped, symbol, timeframe)
    kept = wanted & valid
    return Bars(*(read_only(getattr(bars, name)[kept]) for name in COLUMNS))


def _in_session(times: Times, timeframe: str) -> Any:
    days = session_dates(times)
    if Timeframe(timeframe).is_dated:
        return is_session(days)
    distinct, place = np.unique(days, return_inverse=True)
    midnight = daily_times(distinct)
    opens, closes = bar_open(midnight, Timeframe.DAY), bar_close(midnight, Timeframe.DAY)
    return is_session(distinct)[place] & (times >= opens[place]) & (times < closes[place])


def _number(row: Any, key: str) -> Decimal | None:
    try:
        value = Decimal(str(row[key]))
    except (KeyError, TypeError, InvalidOperation):
        return None
    return value if value.is_finite() else None


def _moment(row: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(_utc(row["t"])).replace(tzinfo=UTC)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
