"""How often and how long a broker is asked for an order before the desk believes that it never had it.

A broker may answer "no such order" for a while after it has accepted one. An order that was sent again then would
be a second one.
"""

from datetime import datetime, timedelta

from livetrading.brokers.protocol import Capabilities
from livetrading.models import Order, OrderState

# Looks in a row, from the first to the last of them at least so long in wall time.
LOOKS = 3
OVER = timedelta(seconds=10)


def never_had(order: Order, capabilities: Capabilities, wall_now: datetime) -> bool:
    """Note a look that did not find this order. Returns whether the broker never had it.

    One look is enough before an order is sent again to a broker that takes a client_order_id only once: there it
    cannot become a second order.
    """
    if order.state == OrderState.UNKNOWN and capabilities.unique_client_ids:
        return True
    since = order.absent_since
    # A look from the future, before the clock went back, counts no more.
    in_a_row = since is not None and order.state_changed_at <= since <= wall_now
    first = since if in_a_row and since else wall_now
    looks = order.absent_looks + 1 if in_a_row else 1
    Order.objects.filter(pk=order.pk, state=order.state, absent_looks=order.absent_looks).update(
        absent_since=first, absent_looks=looks
    )
    return looks >= LOOKS and wall_now - first >= OVER


def found(order: Order) -> None:
    """Forget the looks that did not find this order."""
    if order.absent_looks:
        Order.objects.filter(pk=order.pk).update(absent_since=None, absent_looks=0)
