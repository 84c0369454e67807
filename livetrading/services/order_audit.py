"""What the audit keeps of orders and fills: each one that is made, what became of it, and what was executed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction

from livetrading.brokers.protocol import BrokerFill
from livetrading.models import Fill, Order, OrderState
from tradedesk.accounts.models import User
from tradedesk.audit.origin import DESK
from tradedesk.audit.services import Entry, record_all

# Steps inside the desk: only their outcome is recorded.
_INSIDE = (OrderState.WAITING, OrderState.GUARDED, OrderState.PENDING, OrderState.SUBMITTING)


def made(orders: Iterable[Order], actor: User | str = DESK) -> list[Entry]:
    """Of new orders."""
    return [
        Entry(
            actor,
            "order_created",
            order,
            _which(order)
            | {
                "client_order_id": order.client_order_id,
                "type": order.type,
                "time_in_force": order.time_in_force,
                "price": order.trigger_price,
                "state": order.state,
                "signal": order.signal_id,
                "opening_order": order.opening_order_id,
            },
        )
        for order in orders
    ]


def moved(order: Order, to: OrderState, reason: str = "", actor: User | str = DESK) -> Entry:
    """Of an order with another state. order: as it was before."""
    return Entry(
        actor, f"order_{to}", order, _which(order) | {"before": order.state, "after": to, "reason": reason}
    )


def cancelled(moves: Iterable[tuple[Order, OrderState, str]]) -> list[Entry]:
    """Of those moves, each with its reason, that end an order or ask for its end."""
    return [moved(order, to, reason) for order, to, reason in moves if to not in _INSIDE]


def filled(order: Order, fill: BrokerFill) -> Entry:
    return Entry(DESK, "fill", order, _which(order) | facts_of(fill))


def corrected(before: Fill, after: Fill | None, activity_id: str) -> Entry:
    """Of a fill that the broker has changed, or undone: then there is nothing after it."""
    details = {"activity_id": activity_id, "before": facts_of(before), "after": after and facts_of(after)}
    return Entry(DESK, "fill_corrected", before.order, _which(before.order) | details)


def facts_of(fill: BrokerFill | Fill) -> dict[str, Any]:
    return {name: getattr(fill, name) for name in ("activity_id", "quantity", "price", "commission", "time")}


def move_and_record(order: Order, to: OrderState, *, wall_now: datetime, **changes: Any) -> bool:
    """Order.move, with its record in one transaction."""
    with transaction.atomic():
        if not Order.move(order.pk, to, wall_now=wall_now, **changes):
            return False
        record_all([moved(order, to, changes.get("reason", ""))], wall_now)
    return True


def _which(order: Order) -> dict[str, Any]:
    return {
        "what": str(order),
        "purpose": order.purpose,
        "account": order.account_id,
        "live_strategy": order.live_strategy_id,
    }
