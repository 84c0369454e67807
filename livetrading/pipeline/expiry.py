"""Entries that are not wanted any more: nobody has sent them in time, their broker has not filled them in time, or
their strategy enters no more, or they stand in the way of a sale."""

from datetime import datetime, timedelta

from django.db.models import Exists, Min, OuterRef

from livetrading.brokers.protocol import Capabilities
from livetrading.models import BrokerAccount, Order, OrderState
from livetrading.models.decision_code import DecisionCode
from livetrading.models.order import WORKING, OrderType
from livetrading.models.signal import OrderSide
from livetrading.pipeline.gate import NOT_ACTIVE, ORDER_OVER, TOO_LATE
from livetrading.pipeline.validity import in_words, valid_until
from livetrading.services.notifications import notify_cancelling, notify_not_sent
from livetrading.services.order_audit import move_and_record
from livetrading.services.signal_codes import note_end
from tradedesk.accounts.changes import bump_version

ORDERS_OF_A_RUN = 500
# Market time after `valid_until` in which the broker may end an entry by itself.
BROKER_GRACE = timedelta(minutes=2)
# Market time after the first fill of an entry whose exits are valid only once it is filled completely.
UNPROTECTED = timedelta(minutes=1)
_AT_BROKER = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)
_ON_THE_WAY = (OrderState.WAITING, OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN)


def expire_entries(now: datetime, wall_now: datetime) -> None:
    """Block the PENDING entries whose time is over at the market time `now`, without waiting for a sender.

    One that was claimed before may be at the broker: it is left to its sender, which asks.
    """
    late = Order.objects.filter(
        state=OrderState.PENDING, purpose=Order.Purpose.ENTRY, attempts=0, valid_until__lt=now
    )
    for order in late.select_related("user", "account")[:ORDERS_OF_A_RUN]:
        reason = TOO_LATE if order.signal_id else ORDER_OVER
        blocked = move_and_record(
            order,
            OrderState.BLOCKED,
            wall_now=wall_now,
            only_from=OrderState.PENDING,
            claimed_by="",
            reason=reason,
        )
        if blocked:
            note_end(order, OrderState.BLOCKED, DecisionCode.EXPIRED)
            notify_not_sent(order, OrderState.BLOCKED, reason, now)
            bump_version(order.user_id)


def cancel_entries_at_broker(
    account: BrokerAccount, capabilities: Capabilities, now: datetime, wall_now: datetime
) -> bool:
    """Cancel the entries, and what is left of those that are filled in part, whose strategy enters no more, that
    the broker should have filled or let expire by the market time `now`, that keep what they have bought
    unprotected, or that stand in the way of a sale. Returns whether there was one. One query without any.

    A strategy cancels its entries when it is stopped or paused. One that was being sent then, or whose answer was
    lost, shows up at the broker only later.
    """
    cancelled = False
    entries = account.orders.filter(state__in=_AT_BROKER, purpose=Order.Purpose.ENTRY)
    sales = account.orders.filter(
        state__in=_ON_THE_WAY, side=OrderSide.SELL, type=OrderType.MARKET, symbol=OuterRef("symbol")
    )
    legs = Order.objects.filter(opening_order=OuterRef("pk"), state__in=WORKING, holder=Order.Holder.ATTACHED)
    entries = entries.annotate(opposed=Exists(sales), has_legs=Exists(legs), begun=Min("fills__time"))
    for order in entries.select_related("user", "account", "live_strategy"):
        reason = _ended_by_strategy(order) or _not_filled_in_time(order, capabilities, now)
        unprotected = capabilities.attached_exits_at_price and order.has_legs and order.begun is not None
        if unprotected and now - order.begun > UNPROTECTED:
            reason = reason or "Filled in part only: its stop and target are not valid before the rest is bought."
        if capabilities.refuses_opposite and order.opposed:
            reason = reason or "A sale of the same symbol goes first: the broker takes no opposite orders."
        to = order.cancels_to
        if not reason or to is None:
            continue
        if move_and_record(order, to, wall_now=wall_now, only_from=order.state, reason=reason):
            notify_cancelling(order, reason, now)
            cancelled = True
    return cancelled


def _ended_by_strategy(order: Order) -> str:
    return "" if order.live_strategy is None else NOT_ACTIVE.get(order.live_strategy.status, "")


def _not_filled_in_time(order: Order, capabilities: Capabilities, now: datetime) -> str:
    until = None if capabilities.entries_wait else valid_until(order)
    late = until is not None and now > until + BROKER_GRACE
    return f"Not filled by {in_words(until)}." if late and until is not None else ""
