"""Orders and accounts that should have gone on long ago."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from livetrading.models import LivePosition, Order, OrderState, PaperPosition
from livetrading.models.account import in_this_market
from livetrading.models.order import WORKING
from tradedesk.marketdata import sessions
from tradedesk.marketdata.clock import MarketStatus

# On its way to the broker, or without its answer. The desk sends again after 5 s and asks again after 30 s.
ON_THE_WAY = (OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN)
STUCK_AFTER = timedelta(seconds=60)
# A state that was changed in the future: the clock went back, and the timers of the order begin again (requeue).
AHEAD = timedelta(seconds=5)
# An account with something at its broker is reconciled every 5 s of market time.
UNRECONCILED_AFTER = timedelta(seconds=60)


def stuck_orders(wall_now: datetime) -> Q:
    """A condition on Order: one index has state and time."""
    too_old = Q(state_changed_at__lt=wall_now - STUCK_AFTER) | Q(state_changed_at__gt=wall_now + AHEAD)
    return Q(state__in=ON_THE_WAY) & too_old & in_this_market("account__")


def unreconciled_accounts(now: datetime, market: MarketStatus) -> Q:
    """A condition on BrokerAccount: something is held or at the broker, and nobody has looked for too long.

    The replay goes from one close to the next: an account is late there when it has missed a whole session.
    """
    latest = now - UNRECONCILED_AFTER
    if market.kind == "replay":
        latest = min(latest, sessions.previous_close(now - timedelta(seconds=1)) - timedelta(seconds=1))
    of_account = {"account": OuterRef("pk")}
    watched = (
        Exists(Order.objects.filter(**of_account, state__in=WORKING))
        | Exists(PaperPosition.objects.filter(**of_account))
        | Exists(LivePosition.objects.filter(**of_account))
    )
    return Q(reconciled_at__lt=latest) & Q(watched) & in_this_market()
