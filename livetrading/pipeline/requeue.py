"""Recovery after a crash: the orders in the database decide what is sent, so a lost message loses no order."""

import uuid
from datetime import datetime, timedelta

from django.db.models import Q

from livetrading.models import Order, OrderState
from livetrading.models.account import in_this_market
from livetrading.pipeline import fence
from livetrading.services.order_audit import move_and_record

# The message of a PENDING order of this age counts as lost.
LOST_MESSAGE = timedelta(seconds=5)


# An order that was changed so much later than now: the wall clock has gone back.
AHEAD = timedelta(seconds=5)


def restart_timers(wall_now: datetime) -> int:
    """After the wall clock has gone back: what waits since a time in the future waits since now, or nothing would
    happen to these orders until then. Returns how many."""
    ahead = Order.objects.filter(state__in=OrderState.values, state_changed_at__gt=wall_now + AHEAD)
    return ahead.update(state_changed_at=wall_now)


def lost_orders(wall_now: datetime) -> list[uuid.UUID]:
    """The orders to enqueue again, exits first, then the oldest. An order whose worker has stopped becomes
    UNKNOWN: it is sent again only after the broker has confirmed that it never received it."""
    restart_timers(wall_now)
    stopped = wall_now - fence.LOST_WORKER
    submitting = Order.objects.filter(state=OrderState.SUBMITTING, state_changed_at__lt=stopped)
    for order in submitting:
        move_and_record(order, OrderState.UNKNOWN, wall_now=wall_now, reason="The broker's response was lost.")
    # An exit waits for the market of its broker, an entry ends.
    works = in_this_market("account__") | Q(purpose=Order.Purpose.ENTRY)
    pending = Order.objects.filter(works, state=OrderState.PENDING, state_changed_at__lt=wall_now - LOST_MESSAGE)
    return list(pending.order_by("-side", "created_at").values_list("pk", flat=True)[:500])
