"""Reconcile the desk's records with a broker: fills and order states.

The only writer of trades and positions, on paper as well. Two workers can run it at any time and at the same time:
a fill is booked once by its activity id, and an order changes state only along the allowed transitions.
"""

import logging
import uuid
from datetime import datetime

from django.db import transaction

from livetrading.brokers.protocol import Broker, BrokerFill, BrokerOrder
from livetrading.models import Fill, Order, OrderState, Reconciliation
from livetrading.models.order import WORKING
from livetrading.models.signal import OrderSide
from livetrading.pipeline.lots import book_fill, refresh_position
from livetrading.services.accounts import broker_for
from livetrading.services.notifications import notify_fill
from tradedesk.accounts.changes import bump_version

log = logging.getLogger(__name__)

# Our order state for each state of a broker's order. "filled" is missing: only booked fills make an order FILLED.
_STATES = {
    "working": OrderState.ACCEPTED,
    "cancelled": OrderState.CANCELLED,
    "rejected": OrderState.REJECTED,
    "expired": OrderState.EXPIRED,
}
# SUBMITTING orders belong to the worker that claimed them, until requeue marks them UNKNOWN.
_SENT = [state for state in WORKING if state not in (OrderState.PENDING, OrderState.SUBMITTING)]


def reconcile(user_id: int, mode: str, now: datetime, wall_now: datetime) -> None:
    """Update the desk's records of one account from its broker at the market time `now`.

    Raises NoBroker, and OutcomeUnknown when the broker does not respond.
    """
    broker = broker_for(user_id, mode, now)
    row, _ = Reconciliation.objects.get_or_create(user_id=user_id, mode=mode)
    changed = False
    for fill in broker.fills_since(row.cursor):
        changed |= _book_fill(broker, row, fill, now, wall_now)
    changed |= _update_states(broker, user_id, mode, now, wall_now)
    if changed:
        Reconciliation.objects.filter(pk=row.pk).update(reconciled_at=now)
        bump_version(user_id)


def _book_fill(broker: Broker, row: Reconciliation, fill: BrokerFill, now: datetime, wall_now: datetime) -> bool:
    at_broker = broker.order_by_client_id(fill.client_order_id)
    order = _find_order(fill.client_order_id, at_broker, row, now, wall_now)
    with transaction.atomic():
        # The row lock serializes the booking of one account's fills.
        locked = Reconciliation.objects.select_for_update().get(pk=row.pk)
        if order is None:
            # A fill of an order from outside the desk is skipped.
            Reconciliation.objects.filter(pk=locked.pk).update(cursor=fill.activity_id)
            return False
        order = Order.objects.select_for_update().get(pk=order.pk)
        _, is_new = Fill.objects.get_or_create(
            user_id=row.user_id,
            mode=row.mode,
            activity_id=fill.activity_id,
            defaults={
                "order": order,
                "time": fill.time,
                "quantity": fill.quantity,
                "price": fill.price,
                "commission": fill.commission,
            },
        )
        if not is_new:
            return False
        _add_fill_to_order(order, at_broker, fill, wall_now)
        trade = book_fill(order, fill)
        refresh_position(row.user_id, row.mode, order.symbol, now)
        Reconciliation.objects.filter(pk=locked.pk).update(cursor=fill.activity_id)
        notify_fill(order, fill, trade, now)
    return True


def _add_fill_to_order(order: Order, at_broker: BrokerOrder | None, fill: BrokerFill, wall_now: datetime) -> None:
    filled = order.filled_quantity + fill.quantity
    cost = order.filled_quantity * (order.filled_price or 0) + fill.quantity * fill.price
    # The broker may fill less than the ordered quantity, and the fills of an order arrive one by one.
    filled_at_broker = (
        at_broker is not None and at_broker.state == "filled" and filled >= at_broker.filled_quantity
    )
    complete = filled_at_broker or filled >= order.quantity
    to = OrderState.FILLED if complete else OrderState.PARTIALLY_FILLED
    moved = Order.move(
        order.pk,
        to,
        wall_now=wall_now,
        filled_quantity=filled,
        filled_price=cost / filled,
        broker_order_id=at_broker.broker_order_id if at_broker else order.broker_order_id,
        reason=at_broker.reason if at_broker else "",
    )
    if not moved:
        raise RuntimeError(
            f"Order {order.pk} is {order.state}, but the broker reports a fill of {fill.quantity} shares."
        )


def _find_order(
    client_order_id: str, at_broker: BrokerOrder | None, row: Reconciliation, now: datetime, wall_now: datetime
) -> Order | None:
    """The desk's order with this id. A protective exit that the broker created for one of our entries is recorded
    first.

    None for an order from outside the desk.
    """
    orders = Order.objects.filter(user_id=row.user_id, mode=row.mode)
    if known := orders.filter(client_order_id=client_order_id).first():
        return known
    if at_broker is None or not at_broker.closes:
        return None
    opening = orders.filter(client_order_id=at_broker.closes).first()
    return None if opening is None else _record_protective_exit(opening, at_broker, now, wall_now)


def _record_protective_exit(opening: Order, leg: BrokerOrder, now: datetime, wall_now: datetime) -> Order:
    order, _ = Order.objects.get_or_create(
        client_order_id=leg.client_order_id,
        defaults={
            "id": uuid.uuid4(),
            "user_id": opening.user_id,
            "live_strategy_id": opening.live_strategy_id,
            "mode": opening.mode,
            "symbol": opening.symbol,
            "timeframe": opening.timeframe,
            "side": OrderSide.SELL,
            "purpose": leg.kind,
            "quantity": leg.quantity,
            "fractional": opening.fractional,
            "trigger_price": leg.trigger_price,
            "opening_order": opening,
            "state": OrderState.ACCEPTED,
            "broker_order_id": leg.broker_order_id,
            "created_at": now,
            "state_changed_at": wall_now,
        },
    )
    return order


def _update_states(broker: Broker, user_id: int, mode: str, now: datetime, wall_now: datetime) -> bool:
    row = Reconciliation.objects.get(user_id=user_id, mode=mode)
    ours = {o.client_order_id: o for o in Order.objects.filter(user_id=user_id, mode=mode, state__in=_SENT)}
    open_orders = {order.client_order_id: order for order in broker.open_orders()}
    changed = False
    for id_, leg in open_orders.items():
        if leg.closes and leg.kind != "market" and id_ not in ours:
            changed |= _find_order(id_, leg, row, now, wall_now) is not None
    for id_, order in ours.items():
        at_broker = open_orders.get(id_) or broker.order_by_client_id(id_)
        changed |= _update_state(order, at_broker, wall_now)
    return changed


def _update_state(order: Order, at_broker: BrokerOrder | None, wall_now: datetime) -> bool:
    if at_broker is None:
        if order.state != OrderState.UNKNOWN:
            log.error("The broker no longer reports order %s, although it had accepted it.", order.client_order_id)
            return False
        # The broker never received it: the same client_order_id is sent again.
        return Order.move(order.pk, OrderState.PENDING, wall_now=wall_now)
    if at_broker.filled_quantity > order.filled_quantity:
        return False  # book its fills first: a finished order accepts no fills
    to = _STATES.get(at_broker.state)
    if to is None or (to == OrderState.ACCEPTED and order.state != OrderState.UNKNOWN):
        return False
    return Order.move(
        order.pk, to, wall_now=wall_now, reason=at_broker.reason, broker_order_id=at_broker.broker_order_id
    )
