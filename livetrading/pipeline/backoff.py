"""Back-off: a broker that takes no more requests of an account is left alone for a while.

Ticks and entries wait. Exits are sent all the same, and entries wait until exits and protection are through; those
of a symbol always do.
"""

import uuid
from datetime import datetime, timedelta

from django.db.models import Case, Exists, F, OuterRef, Q, When

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
    """Whether this order is an entry that waits: for the end of the back-off, afterwards for the exits of its
    account, and at any time for the exits of its symbol, because a broker may refuse a sale while a purchase of
    the same symbol works. One query without a back-off."""
    limited = lasts("account__quiet_until", wall_now - EXITS_FIRST, LONGEST + EXITS_FIRST)
    on_the_way = Q(state__in=(OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN))
    waiting = Q(state=OrderState.WAITING, purpose=Order.Purpose.EXIT)
    exits = Order.objects.filter(on_the_way | waiting).exclude(purpose=Order.Purpose.ENTRY)
    of_symbol = exits.filter(account=OuterRef("account"), symbol=OuterRef("symbol"))
    quiet = Case(When(limited, then=F("account__quiet_until")))
    entry = Order.objects.filter(pk=order_id, purpose=Order.Purpose.ENTRY).annotate(
        quiet=quiet, sold=Exists(of_symbol)
    )
    found = entry.values_list("account", "quiet", "sold").first()
    if found is None:
        return False
    account_id, quiet_until, sold = found
    if sold or quiet_until is None:
        return bool(sold)
    return quiet_until > wall_now or exits.filter(account=account_id).exists()
