"""Back-off: a broker that takes no more requests of an account is left alone for a while.

Ticks and entries wait. Exits are sent all the same, and entries wait until exits and protection are through.
"""

import uuid
from datetime import datetime, timedelta

from django.db.models import Q

from livetrading.brokers.protocol import TooManyRequests
from livetrading.models import BrokerAccount, Order, OrderState
from tradedesk.wall_time import lasts

# Wall time, whatever the broker says.
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(seconds=60)
# So long after the back-off an entry waits for the exits.
EXITS_FIRST = timedelta(seconds=60)


def back_off(account_id: int, error: Exception, wall_now: datetime) -> timedelta:
    """Leave the account alone for the time that the broker has asked for. Returns that time, 0 for another
    error."""
    if not isinstance(error, TooManyRequests):
        return timedelta(0)
    pause = min(max(error.retry_after, SHORTEST), LONGEST)
    BrokerAccount.objects.filter(pk=account_id).update(quiet_until=wall_now + pause)
    return pause


def must_wait(order_id: uuid.UUID, wall_now: datetime) -> bool:
    """Whether this order is an entry that waits: for the end of the back-off, or afterwards for the exits of its
    account."""
    limited = lasts("account__quiet_until", wall_now - EXITS_FIRST, LONGEST + EXITS_FIRST)
    entry = Order.objects.filter(limited, pk=order_id, purpose=Order.Purpose.ENTRY)
    found = entry.values_list("account", "account__quiet_until").first()
    if found is None:
        return False
    account_id, quiet_until = found
    if quiet_until is not None and quiet_until > wall_now:
        return True
    on_the_way = Q(state__in=(OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN))
    waiting = Q(state=OrderState.WAITING, purpose=Order.Purpose.EXIT)
    exits = Order.objects.filter(on_the_way | waiting, account=account_id)
    return exits.exclude(purpose=Order.Purpose.ENTRY).exists()
