"""Find the accounts that need a tick, and claim each of them for one worker."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from livetrading.models import (
    BrokerAccount,
    Halt,
    Incident,
    LivePosition,
    LiveStrategy,
    Order,
    OrderState,
    PaperPosition,
    TradeStream,
)
from livetrading.models.account import in_this_market
from livetrading.models.halt import UNFINISHED
from livetrading.models.live_strategy import CHECKED
from livetrading.models.order import WORKING
from livetrading.pipeline import backoff, fence
from tradedesk.wall_time import is_over

# An account with something at the broker is reconciled after this market time.
RECONCILE_EVERY = timedelta(seconds=5)
# One with active strategies, after this one: its loss limits are watched, signal or not. So is one that is not
# simulated: a broker may undo a sale, or charge a fee, later.
WATCH_EVERY = timedelta(seconds=60)
# One whose broker has said that something happened, at once, and after this time again: a burst of such messages
# must not use up its requests.
NUDGED_EVERY = timedelta(seconds=2)
ACCOUNTS = 1000
# A claim is a lease, or the pause after a tick that failed, which is longer.
LONGEST_CLAIM = timedelta(seconds=60)


def claim_due_accounts(now: datetime, wall_now: datetime) -> list[tuple[int, datetime]]:
    """Claim the accounts that need a tick at the market time `now`. Returns their ids and the ends of their
    leases, those that waited longest first, so that every user has a turn."""
    free = Q(claimed_until=None) | is_over("claimed_until", wall_now, LONGEST_CLAIM)
    free &= Q(quiet_until=None) | is_over("quiet_until", wall_now, backoff.LONGEST)
    until = wall_now + fence.LEASE
    with transaction.atomic():
        # The row locks let only one of two dispatchers claim an account; one that a tick has locked has its turn
        # the next time.
        waiting = BrokerAccount.objects.filter(free, in_this_market(), revoked_at=None).filter(needs_tick(now))
        longest_first = waiting.order_by(F("claimed_until").asc(nulls_first=True), "pk")
        due = list(longest_first.select_for_update(skip_locked=True).values_list("pk", flat=True)[:ACCOUNTS])
        if due:
            BrokerAccount.objects.filter(pk__in=due).update(claimed_until=until)
    return [(pk, until) for pk in due]


def needs_tick(now: datetime) -> Q:
    """A condition on BrokerAccount: a check is due, an order waits for an answer, a halt has something to do, or
    what is held or at the broker was not reconciled for a while, or since the broker told of something; or it has
    active strategies, or is not simulated and verified, and was not looked at for longer."""
    orders = Order.objects.filter(account=OuterRef("pk"))
    due = LiveStrategy.objects.filter(account=OuterRef("pk"), status__in=CHECKED, next_check_at__lte=now)
    urgent = orders.filter(
        Q(state__in=(OrderState.UNKNOWN, OrderState.CANCEL_PENDING))
        | Q(state=OrderState.WAITING, purpose=Order.Purpose.EXIT)
    )
    # A halt that only waits for the market is looked at when the account is reconciled again.
    halts = Halt.objects.filter(UNFINISHED, account=OuterRef("pk"))
    halting = Exists(halts.filter(started_at=None)) | (
        Exists(halts) & Exists(orders.filter(purpose=Order.Purpose.ENTRY, state__in=WORKING))
    )
    watched = (
        Exists(orders.filter(state__in=WORKING))
        | Exists(PaperPosition.objects.filter(account=OuterRef("pk")))
        | Exists(LivePosition.objects.filter(account=OuterRef("pk")))
        | Exists(Incident.objects.filter(account=OuterRef("pk"), resolved_at=None))
        | Exists(halts)
        | Q(failures__gt=0)
    )
    # A reconciliation that began before the message may not have seen it.
    told = TradeStream.objects.filter(
        account=OuterRef("pk"), nudged_at__gt=OuterRef("reconciled_at"), nudged_at__lte=now
    )
    nudged = Q(Exists(told)) & Q(reconciled_at__lte=now - NUDGED_EVERY)
    active = LiveStrategy.objects.filter(account=OuterRef("pk"), status=LiveStrategy.Status.ACTIVE)
    stale = Q(reconciled_at=None) | Q(reconciled_at__lte=now - RECONCILE_EVERY)
    quiet = Q(reconciled_at=None) | Q(reconciled_at__lte=now - WATCH_EVERY)
    remote = Q(broker__in=[name for name in settings.BROKERS if name != BrokerAccount.Broker.PAPER])
    remote &= Q(verified_at__isnull=False)
    return (
        Q(Exists(due))
        | Q(Exists(urgent))
        | Q(halting)
        | nudged
        | (stale & Q(watched))
        | (quiet & (Exists(active) | remote))
    )


def renew(account_id: int, until: datetime, wall_now: datetime) -> datetime | None:
    """Extend a claim that ends at `until`. Returns its new end, None when it was lost."""
    longer = wall_now + fence.LEASE
    claim = BrokerAccount.objects.filter(pk=account_id, claimed_until=until)
    return longer if claim.update(claimed_until=longer) == 1 else None


def release(account_id: int, until: datetime, at: datetime) -> None:
    """End a claim: the account can be claimed again at the wall time `at`."""
    BrokerAccount.objects.filter(pk=account_id, claimed_until=until).update(claimed_until=at)
