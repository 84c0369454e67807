"""The lists of orders: which ones, in which order, and how their legs are shown."""

from typing import Any

from tests.alpaca_server.orders import Order
from tests.alpaca_server.placing import Placing
from tests.alpaca_server.wire import Refusal, parse_time

USUAL, MOST = 50, 500


def listed(account: Placing, query: dict[str, str]) -> list[dict[str, Any]]:
    status, nested = query.get("status", "open"), flag(query, "nested")
    if status not in ("open", "closed", "all"):
        raise Refusal(422, 40010001, "invalid status")
    limit = int(query.get("limit", USUAL))
    if not 1 <= limit <= MOST:
        raise Refusal(422, 40010001, f"limit must be between 1 and {MOST}")
    found = _rolled_up(account, status) if nested else _flat(account, status)
    found = [order for order in _filtered(account, found, query) if order.client_order_id not in account.hidden]
    # Orders of one time keep the order of their arrival.
    found.sort(key=lambda order: order.created)
    if query.get("direction", "desc") == "desc":
        found.reverse()
    return [account.answer_of(order, nested=nested) for order in found[:limit]]


def _flat(account: Placing, status: str) -> list[Order]:
    """A leg that is held is not among the open orders."""
    if status == "open":
        return [order for order in account.orders.values() if order.is_open and order.status != "held"]
    return [order for order in account.orders.values() if status == "all" or not order.is_open]


def _rolled_up(account: Placing, status: str) -> list[Order]:
    found = []
    for order in account.orders.values():
        if order.is_leg:
            continue
        legs = [leg for leg in account.legs_of(order) if leg.is_open]
        if status == "all" or (order.is_open or bool(legs and account.roll_up)) == (status == "open"):
            found.append(order)
        if status == "open" and not order.is_open and not account.roll_up:
            found += legs
    return found


def _filtered(account: Placing, found: list[Order], query: dict[str, str]) -> list[Order]:
    if "symbols" in query:
        symbols = query["symbols"].split(",")
        found = [order for order in found if order.symbol in symbols]
    if "side" in query:
        found = [order for order in found if order.side == query["side"]]
    if "after" in query:
        after = parse_time(query["after"])
        found = [order for order in found if order.created > after]
    if "until" in query:
        until = parse_time(query["until"])
        found = [order for order in found if order.created < until]
    arrived = list(account.orders.values())
    for name, sign in (("after_order_id", 1), ("before_order_id", -1)):
        if name in query:
            edge = account.order(query[name])
            if edge is None:
                raise Refusal(404, 40410000, f"order not found for {query[name]}")
            place = arrived.index(edge)
            found = [order for order in found if sign * (arrived.index(order) - place) > 0]
    return found


def flag(query: dict[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("true", "1", "t")
