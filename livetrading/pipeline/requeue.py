"""Picking up what a crash left behind: the database is the queue of truth, a lost message loses nothing."""

import uuid
from datetime import datetime, timedelta

from livetrading.models import Order, OrderState
from livetrading.models.order import WORKING

# A PENDING order this old has lost its message; a SUBMITTING one this old has lost its worker.
LOST_MESSAGE = timedelta(seconds=5)
LOST_WORKER = timedelta(seconds=30)


def lost_orders(wall_now: datetime) -> list[uuid.UUID]:
    """Orders to enqueue again. A claimed one whose worker is gone becomes UNKNOWN first: the broker is asked what
    became of it, and only when it never saw the order is the same order sent again."""
    submitting = Order.objects.filter(state=OrderState.SUBMITTING, state_changed_at__lt=wall_now - LOST_WORKER)
    for order_id in submitting.values_list("pk", flat=True):
        Order.move(order_id, OrderState.UNKNOWN, wall_now=wall_now, reason="The answer was lost.")
    pending = Order.objects.filter(state=OrderState.PENDING, state_changed_at__lt=wall_now - LOST_MESSAGE)
    return list(pending.order_by("created_at").values_list("pk", flat=True)[:500])


def accounts_at_work() -> list[tuple[int, str]]:
    """The accounts (user, mode) with an order on its way or a protective exit working: to be reconciled."""
    at_broker = [state for state in WORKING if state != OrderState.PENDING]
    working = Order.objects.filter(state__in=at_broker)
    return list(working.values_list("user_id", "mode").order_by("user_id", "mode").distinct())
