"""Back-off: a broker that takes no more requests of an account is left alone for a while.

Ticks and entries wait. Exits are sent all the same, unless an operator has to compare a restored account first.
Entries wait until exits and protection are through; those of a symbol always do.
"""

import uuid
from datetime import datetime, timedelta

from django.db.models import Case, Exists, F, OuterRef, Q, Value, When

from livetrading.brokers.protocol import NotSent, TooManyRequests
from livetrading.models import BrokerAccount, Halt, Order, OrderState
from livetrading.models.account import in_this_market
from livetrading.services.halt import RESTORE
from tradedesk.wall_time import lasts

# Wall time, whatever the broker says.
SHORTEST, LONGEST = timedelta(seconds=1), timedelta(seconds=60)
# So long after the back-off an entry waits for the exits.
EXITS_FIRST = timedelta(seconds=60)


def back_off(account_id: int, error: Exception, wall_now: datetime) -> timedelta:
    """Leave the account alone for the time that the broker has asked for. Returns that time, 0 for another
    error. The desk's own limit delays what met it, and nothing else."""
    if not isinstance(error, TooManyRequests):
        return timedelta(0)
    pause = min(max(error.retry_after, SHORTEST), LONGEST)
    if not isinstance(error, NotSent):
        BrokerAccount.objects.filter(pk=account_id).update(quiet_until=wall_now + pause)
    return pause


def must_wait(order_id: uuid.UUID, wall_now: datetime) -> bool:
    """Whether this order waits. An entry: for the end of the back-off, afterwards for the exits of its account,
    and at any time for the exits of its symbol, because a broker may refuse a sale while a purchase of the same
    symbol works. An exit: for the operator who compares a restored account, and
    for the market of its broker. One query without a back-off."""
    limited = lasts("account__quiet_until", wall_now - EXITS_FIRST, LONGEST + EXITS_FIRST)
    on_the_way = Q(state__in=(OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN))
    waiting = Q(state=OrderState.WAITING, purpose=Order.Purpose.EXIT)
    exits = Order.objects.filter(on_the_way | waiting).exclude(purpose=Order.Purpose.ENTRY)
    of_symbol = exits.filter(account=OuterRef("account"), symbol=OuterRef("symbol"))
    quiet = Case(When(limited, then=F("account__quiet_until")))
    here = in_this_market("account__")
    restored = Halt.objects.filter(account=OuterRef("account"), requested_by=RESTORE, lifted_at=None)
    order = Order.objects.filter(pk=order_id).annotate(
        quiet=quiet,
        held=Case(When(purpose=Order.Purpose.ENTRY, then=Exists(of_symbol)), default=Exists(restored)),
        here=Case(When(here, then=True), default=False) if here else Value(True),
    )
    found = order.values_list("purpose", "account", "quiet", "held", "here").first()
    if found is None:
        return False
    purpose, account_id, quiet_until, held, here = found
    if purpose != Order.Purpose.ENTRY:
        return bool(held or not here)
    if held or quiet_until is None:
        return bool(held)
    return quiet_until > wall_now or exits.filter(account=account_id).exists()
