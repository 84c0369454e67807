"""How often and how long a broker is asked for an order before the desk believes that it never had it.

A broker may answer "no such order" for a while after it has accepted one. An order that was sent again then would
be a second one.
"""

from datetime import datetime, timedelta
from typing import Any

from livetrading.brokers.protocol import Capabilities
from livetrading.models import Order, OrderState

# Looks in a row, from the first to the last of them at least so long in wall time.
LOOKS = 3
OVER = timedelta(seconds=10)


def never_had(order: Order, capabilities: Capabilities, wall_now: datetime) -> bool:
    """Note a look that did not find this order. Returns whether the broker never had it.

    One look is enough before an order is sent again to a broker that takes a client_order_id only once: there it
    cannot become a second order. Unless the broker has refused it (`looked_before_refusal`).
    """
    since = order.absent_since
    # A look from the future, before the clock went back, counts no more.
    in_a_row = since is not None and order.state_changed_at <= since <= wall_now
    if order.state == OrderState.UNKNOWN and capabilities.unique_client_ids and not in_a_row:
        found(order)  # the looks before it was sent last say nothing of that request
        return True
    first = since if in_a_row and since else wall_now
    looks = order.absent_looks + 1 if in_a_row else 1
    Order.objects.filter(pk=order.pk, state=order.state, absent_looks=order.absent_looks).update(
        absent_since=first, absent_looks=looks
    )
    return looks >= LOOKS and wall_now - first >= OVER


def refusal_counts(order: Order) -> bool:
    """Whether a refusal of this order, which a sender has claimed, ends it. One of a repeated request may be about
    the earlier one: that has taken the shares or the buying power, and the broker does not find it yet. It counts
    once the looks before it were enough."""
    return order.attempts <= 1 or order.absent_looks >= LOOKS


def looked_before_refusal(wall_now: datetime) -> dict[str, Any]:
    """The fields of an order that is asked for again, as its refusal does not count: the sender has looked."""
    return {"absent_since": wall_now, "absent_looks": 1}


def found(order: Order) -> None:
    """Forget the looks that did not find this order."""
    if order.absent_looks:
        Order.objects.filter(pk=order.pk).update(absent_since=None, absent_looks=0)
