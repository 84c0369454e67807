"""What a stream of order updates does to the desk: it makes the account due at once, and nothing else.

A message proves nothing: after a break some are missing. So nothing is booked from one; the tick that follows asks
the broker as always.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from livetrading.models import BrokerAccount, LivePosition, LiveStrategy, Order, PaperPosition, TradeStream
from livetrading.models.live_strategy import CHECKED
from livetrading.models.order import WORKING
from livetrading.services.queue import enqueue_dispatch

# How often the times of the connections are stored, and from when on an old one is none.
STORED_EVERY = timedelta(seconds=15)
OLD = timedelta(seconds=60)


def streamed_accounts() -> QuerySet[BrokerAccount]:
    """The accounts that should have a stream: at a broker that has one, verified, and with something to trade."""
    mine = {"account": OuterRef("pk")}
    busy = (
        Exists(LiveStrategy.objects.filter(**mine, status__in=CHECKED))
        | Exists(Order.objects.filter(**mine, state__in=WORKING))
        | Exists(PaperPosition.objects.filter(**mine))
        | Exists(LivePosition.objects.filter(**mine))
    )
    connected = Q(broker__in=list(settings.BROKER_STREAMS), verified_at__isnull=False, revoked_at=None)
    return BrokerAccount.objects.filter(connected & busy).exclude(credentials="").order_by("pk")


def find_accounts() -> list[BrokerAccount]:
    """Those accounts, each with a row that its stream is written to."""
    if not settings.TRADES_AT_BROKERS:
        return []
    accounts = list(streamed_accounts())
    known = set(TradeStream.objects.values_list("account", flat=True))
    missing = [TradeStream(account=account) for account in accounts if account.pk not in known]
    TradeStream.objects.bulk_create(missing, ignore_conflicts=True)
    return accounts


def nudge(account_ids: Iterable[int], now: datetime) -> int:
    """Something happened in these accounts: they are due. now: market time. Returns their number."""
    told = TradeStream.objects.filter(account__in=list(account_ids), account__revoked_at=None)
    count = told.update(nudged_at=now)
    if count:
        enqueue_dispatch()
    return count


def store_states(problems: Mapping[int, str], wall_now: datetime) -> None:
    """problems: of each account with a stream, why it has no connection, "" when it has one."""
    for problem in set(problems.values()):
        ids = [account_id for account_id, found in problems.items() if found == problem]
        seen_at = None if problem else wall_now
        TradeStream.objects.filter(account__in=ids).update(seen_at=seen_at, problem=problem[:300])


def connection_problems(wall_now: datetime) -> dict[BrokerAccount, str]:
    """The accounts that should have a stream, and why each has none; "" when it is connected. One query."""
    found: dict[BrokerAccount, str] = {}
    for account in streamed_accounts().select_related("trade_stream"):
        stream: TradeStream | None = getattr(account, "trade_stream", None)
        seen_at, problem = (None, "") if stream is None else (stream.seen_at, stream.problem)
        fresh = seen_at is not None and abs(wall_now - seen_at) <= OLD
        found[account] = "" if fresh else problem or "Nobody listens."
    return found
