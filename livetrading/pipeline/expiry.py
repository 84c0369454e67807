"""Entries whose time is over before anybody has sent them, or before their broker has filled them."""

from datetime import datetime, timedelta

from livetrading.brokers.protocol import Capabilities
from livetrading.models import BrokerAccount, Order, OrderState
from livetrading.models.decision_code import DecisionCode
from livetrading.pipeline.gate import TOO_LATE
from livetrading.pipeline.validity import in_words, valid_until
from livetrading.services.notifications import notify_cancelling, notify_not_sent
from livetrading.services.signal_codes import note_end
from tradedesk.accounts.changes import bump_version

ORDERS_OF_A_RUN = 500
# Market time after `valid_until` in which the broker may end an entry by itself.
BROKER_GRACE = timedelta(minutes=2)
_AT_BROKER = (OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED)


def expire_entries(now: datetime, wall_now: datetime) -> None:
    """Block the PENDING entries whose time is over at the market time `now`, without waiting for a sender.

    One that was claimed before may be at the broker: it is left to its sender, which asks.
    """
    late = Order.objects.filter(
        state=OrderState.PENDING, purpose=Order.Purpose.ENTRY, attempts=0, valid_until__lt=now
    )
    for order in late.select_related("user", "account")[:ORDERS_OF_A_RUN]:
        blocked = Order.move(
            order.pk,
            OrderState.BLOCKED,
            wall_now=wall_now,
            only_from=OrderState.PENDING,
            claimed_by="",
            reason=TOO_LATE,
        )
        if blocked:
            note_end(order, OrderState.BLOCKED, DecisionCode.EXPIRED)
            notify_not_sent(order, OrderState.BLOCKED, TOO_LATE, now)
            bump_version(order.user_id)


def cancel_unfilled(account: BrokerAccount, capabilities: Capabilities, now: datetime, wall_now: datetime) -> bool:
    """Cancel the entries, and what is left of those that are filled in part, that the broker should have filled or
    let expire by the market time `now`. Returns whether there was one. One query without any."""
    if capabilities.entries_wait:
        return False
    cancelled = False
    entries = account.orders.filter(state__in=_AT_BROKER, purpose=Order.Purpose.ENTRY)
    for order in entries.select_related("user", "account"):
        until, to = valid_until(order), order.cancels_to
        if until is None or to is None or now <= until + BROKER_GRACE:
            continue
        reason = f"Not filled by {in_words(until)}."
        if Order.move(order.pk, to, wall_now=wall_now, only_from=order.state, reason=reason):
            notify_cancelling(order, reason, now)
            cancelled = True
    return cancelled
