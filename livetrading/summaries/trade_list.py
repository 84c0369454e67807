"""The list of a user's trades: filtered, sorted, and one page of it by its last row (keyset), so that a page costs
the same at any depth and however many trades there are. Each order has an index (models/trade.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import F, Q, QuerySet

from livetrading.models.trade import SHORT
from tradedesk.marketdata.sessions import daily_time
from tradedesk.marketdata.symbols import clean_symbol

# Counted up to here; a filter that fits more trades says so.
MOST_COUNTED = 1000
_CLOSED = Q(exit_time__isnull=False)
_RESULTS: Mapping[str, Q] = {
    "win": _CLOSED & Q(pnl__gt=0),
    "loss": _CLOSED & Q(pnl__lt=0),
    "breakeven": _CLOSED & Q(pnl=0),
    "open": Q(exit_time=None),
}
# The columns of each order, as an index has them: "-" is descending, and a "-" before the key reverses them all.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "time": ("event_time", "pk"),
    "symbol": ("symbol", "-event_time", "-pk"),
    "pnl": ("pnl", "pk"),
}
NEWEST = "-time"
SORTS = tuple(sign + key for key in _KEYS for sign in ("-", ""))
SEPARATOR = "~"


@dataclass(frozen=True, slots=True)
class TradePage:
    """trades: of this page. older: the cursor of the next page, "" on the last one. by_day: whether they are in
    the order of their days."""

    trades: list[Any]
    older: str
    by_day: bool


def filter_trades(
    trades: "QuerySet[Any]",
    *,
    strategy_id: int | None = None,
    symbol: str = "",
    side: str = "",
    result: str = "",
    since: date | None = None,
    until: date | None = None,
) -> "QuerySet[Any]":
    """Of `latest_trades`, those that match every given filter. since, until: New York days of the exit, or of
    the entry while open, both included. side: all trades are long, the desk sells nothing short."""
    conditions = Q()
    if strategy_id is not None:
        conditions &= Q(live_strategy=strategy_id)
    if symbol:
        conditions &= Q(symbol=symbol)
    if result:
        conditions &= _RESULTS[result]
    if since:
        conditions &= Q(event_time__gte=daily_time(since))
    if until:
        conditions &= Q(event_time__lt=daily_time(until + timedelta(days=1)))
    return trades.none() if side == SHORT else trades.filter(conditions)


def count_up_to(trades: "QuerySet[Any]", most: int = MOST_COUNTED) -> int:
    """How many there are; `most` + 1 for more than `most`."""
    return len(trades.order_by().values_list("pk", flat=True)[: most + 1])


def in_order(trades: "QuerySet[Any]", sort: str) -> "QuerySet[Any]":
    """sort: one of SORTS."""
    return trades.order_by(*(F(name).desc() if down else F(name).asc() for name, down in _columns(sort)))


def trade_page(trades: "QuerySet[Any]", sort: str, after: str, size: int) -> TradePage:
    """The trades after a cursor in the order of `sort`, one of SORTS. A cursor that does not fit is ignored."""
    columns, ordered = _columns(sort), in_order(trades, sort)
    names = [name for name, _ in columns]
    if values := _read(after, names):
        ordered = ordered.filter(_after(columns, values))
    found = list(ordered[: size + 1])
    cursor = _cursor(found[size - 1], names) if len(found) > size else ""
    return TradePage(found[:size], cursor, sort.lstrip("-") == "time")


def _columns(sort: str) -> list[tuple[str, bool]]:
    """The columns of an order, and whether each descends."""
    reverse = sort.startswith("-")
    return [(name.lstrip("-"), name.startswith("-") != reverse) for name in _KEYS[sort.lstrip("-")]]


def _after(columns: Sequence[tuple[str, bool]], values: Sequence[Any]) -> Q:
    """Rows after these values. (a, b) > (x, y) is a >= x and (a > x or b > y): so an index finds the place."""
    (name, down), value = columns[0], values[0]
    beyond = Q(**{f"{name}__{'lt' if down else 'gt'}": value})
    if len(columns) == 1:
        return beyond
    return Q(**{f"{name}__{'lte' if down else 'gte'}": value}) & (beyond | _after(columns[1:], values[1:]))


def _cursor(trade: Any, names: Sequence[str]) -> str:
    values = (getattr(trade, name) for name in names)
    return SEPARATOR.join(value.isoformat() if isinstance(value, datetime) else str(value) for value in values)


def _read(cursor: str, names: Sequence[str]) -> list[Any]:
    """The values of a cursor; [] for one that is none of this order."""
    texts = cursor.split(SEPARATOR)
    if len(texts) != len(names):
        return []
    try:
        return [_READERS[name](text) for name, text in zip(names, texts, strict=True)]
    except (ValueError, InvalidOperation):
        return []


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 1900 < moment.year < 9000:
        raise ValueError(text)
    return moment


def _number(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite() or abs(amount) >= 10**14:
        raise ValueError(text)
    return amount


_READERS: Mapping[str, Any] = {"event_time": _moment, "pk": _number, "pnl": _amount, "symbol": clean_symbol}
