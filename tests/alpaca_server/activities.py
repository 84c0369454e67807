"""The activities of an account: what moved its money or shares.

An id begins with the date that the activity is for, in New York: a fee that is booked the next day sorts before
the fills of that day. The REST specification has no word for a trade that was busted or corrected; such an
activity has the words of the specification's event stream here (`type`: trade_bust or trade_correct, and
`previous_id`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tests.alpaca_server.market import Market, at
from tests.alpaca_server.orders import Order
from tests.alpaca_server.wire import Refusal, number, parse_time, time_text
from tradedesk.marketdata.sessions import NEW_YORK

MOST = 100


@dataclass(frozen=True)
class Activity:
    """execution: the part of the id that a bust or a correction names as `previous_id`."""

    id: str
    type: str
    created: int
    answer: dict[str, Any]
    symbol: str = ""
    qty: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    order_id: str = ""
    previous_id: str = ""

    @property
    def execution(self) -> str:
        return self.id.partition("::")[2]


def trade(
    market: Market, order: Order, qty: Decimal, price: Decimal, *, word: str = "", previous_id: str = ""
) -> Activity:
    """An execution of this order; word: trade_bust or trade_correct."""
    stamp = market.stamp()
    local = at(stamp).astimezone(NEW_YORK)
    known = f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}::{market.new_id()}"
    answer = {
        "id": known,
        "activity_type": "FILL",
        "transaction_time": time_text(stamp),
        "type": word or ("fill" if order.remaining <= 0 else "partial_fill"),
        "price": number(price),
        "qty": number(qty),
        "side": order.side,
        "symbol": order.symbol,
        "leaves_qty": number(order.remaining),
        "order_id": order.id,
        "cum_qty": number(order.filled),
        "order_status": order.status,
    }
    if previous_id:
        answer["previous_id"] = previous_id
    return Activity(
        known, "FILL", stamp, answer, order.symbol, qty, price, order_id=order.id, previous_id=previous_id
    )


def other(market: Market, kind: str, day: date, amount: Decimal, **more: Any) -> Activity:
    """Anything but a trade. day: the date that it is for. more: sub_type, symbol, qty, per_share, group."""
    stamp = market.stamp()
    known = f"{day:%Y%m%d}000000000::{market.new_id()}"
    answer: dict[str, Any] = {
        "id": known,
        "activity_type": kind,
        "created_at": time_text(stamp),
        "date": day.isoformat(),
        "net_amount": number(amount),
        "currency": "USD",
        "status": "executed",
    }
    names = {"sub_type": "activity_sub_type", "per_share": "per_share_amount", "group": "group_id"}
    for name, value in more.items():
        if value not in (None, ""):
            answer[names.get(name, name)] = number(value) if isinstance(value, Decimal) else value
    return Activity(
        known,
        kind,
        stamp,
        answer,
        symbol=more.get("symbol", ""),
        qty=more.get("qty") or Decimal(0),
        amount=amount,
    )


def page(activities: Iterable[Activity], query: dict[str, str], kinds: set[str]) -> list[dict[str, Any]]:
    """What is asked for. kinds: the types that are wanted; all of them if there are none."""
    found = [each for each in activities if not kinds or each.type in kinds]
    category = query.get("category")
    if category and kinds:
        raise Refusal(422, 40010001, "category cannot be used with activity_types")
    if category:
        found = [each for each in found if (each.type == "FILL") == (category == "trade_activity")]
    if "order_id" in query:
        found = [each for each in found if each.order_id == query["order_id"]]
    if "after" in query:
        after = parse_time(query["after"])
        found = [each for each in found if each.created > after]
    if "until" in query:
        until = parse_time(query["until"])
        found = [each for each in found if each.created < until]
    if "date" in query:
        day = at(parse_time(query["date"])).date()
        found = [each for each in found if at(each.created).date() == day]
    direction = query.get("direction", "desc")
    if direction not in ("asc", "desc"):
        raise Refusal(422, 40010001, "invalid direction")
    found.sort(key=lambda each: each.id, reverse=direction == "desc")
    token = query.get("page_token")
    if token:
        found = [each for each in found if (each.id > token if direction == "asc" else each.id < token)]
    size = int(query.get("page_size", MOST))
    if not 1 <= size <= MOST:
        raise Refusal(422, 40010001, f"page_size must be between 1 and {MOST}")
    return [each.answer for each in found[:size]]
