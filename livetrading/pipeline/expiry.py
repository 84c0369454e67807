"""Entries whose time is over before anybody has sent them."""

from datetime import datetime

from livetrading.models import Order, OrderState
from livetrading.models.decision_code import DecisionCode
from livetrading.pipeline.gate import TOO_LATE
from livetrading.services.notifications import notify_not_sent
from livetrading.services.signal_codes import note_end
from tradedesk.accounts.changes import bump_version

ORDERS_OF_A_RUN = 500


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
