"""Alarm the user of an active strategy that was not checked for three intervals of open market.

Open market counts by the exchange's calendar: a night, a weekend and a holiday miss nothing. One episode is one
notification; it ends when the strategy is checked again, or is no longer active.
"""

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from livetrading.models import LiveStrategy
from livetrading.models.account import in_this_market
from livetrading.models.live_strategy import CHECKED, MIN_CHECK_INTERVAL
from livetrading.services.wording import counted
from tradedesk.accounts.changes import bump_version
from tradedesk.marketdata import sessions
from tradedesk.marketdata.clock import MarketStatus
from tradedesk.notifications.events import Event
from tradedesk.notifications.services import notify

INTERVALS = 3
# The strategies of one call; the most overdue come first.
_MOST = 2000


def missed_before(now: datetime, check_interval: int, market: MarketStatus) -> datetime:
    """A check that was due at this market time or earlier is missed. check_interval: seconds.

    The replay goes from one close to the next, so there an interval is a session.
    """
    if market.kind == "replay":
        return sessions.closes_before(now, INTERVALS)
    return sessions.open_market_before(now, timedelta(seconds=INTERVALS * check_interval))


def find_missed_checks(now: datetime, market: MarketStatus) -> int:
    """Mark and notify strategies whose checks are missed at the market time `now`. Returns how many. One query,
    and a few for each user who is notified."""
    if market.ended:
        return 0
    active = LiveStrategy.objects.filter(
        in_this_market("account__"), status__in=CHECKED, missed_checks_at=None, account__revoked_at=None
    )
    late = active.filter(next_check_at__lte=missed_before(now, MIN_CHECK_INTERVAL, market))
    latest: dict[int, datetime] = {}
    by_user = defaultdict[int, list[LiveStrategy]](list)
    for live in late.select_related("user").order_by("next_check_at", "pk")[:_MOST]:
        if live.check_interval not in latest:
            latest[live.check_interval] = missed_before(now, live.check_interval, market)
        if live.next_check_at <= latest[live.check_interval]:
            by_user[live.user_id].append(live)
    return sum(_alarm(strategies, now) for strategies in by_user.values())


def end_missed_checks() -> None:
    """End the episodes of strategies that were checked since, or are checked no more."""
    missed = LiveStrategy.objects.filter(missed_checks_at__isnull=False)
    over = missed.filter(Q(last_check_at__gte=F("missed_checks_at")) | ~Q(status__in=CHECKED))
    users = set(over.order_by().values_list("user_id", flat=True))
    if users and over.update(missed_checks_at=None):
        for user_id in sorted(users):
            bump_version(user_id)


def _alarm(strategies: list[LiveStrategy], now: datetime) -> int:
    """Mark these strategies of one user, the most overdue first, and notify the user once. Returns how many were
    still late."""
    first, last = strategies[0], strategies[-1]
    with transaction.atomic():
        unmarked = LiveStrategy.objects.filter(status__in=CHECKED, missed_checks_at=None)
        still_late = unmarked.filter(
            pk__in=[live.pk for live in strategies], next_check_at__lte=last.next_check_at
        )
        marked = still_late.update(missed_checks_at=now)
        if marked:
            notify(first.user, Event.MISSED_CHECKS, _text(first, marked), _url(first, marked), now)
            transaction.on_commit(lambda: bump_version(first.user_id), robust=True)
    return marked


def _text(first: LiveStrategy, number: int) -> str:
    if number == 1:
        return f"“{first.name}” was not checked for {INTERVALS} intervals of open market. Its signals wait."
    strategies = counted(number, "strategy", "strategies")
    return (
        f"{strategies} were not checked for {INTERVALS} intervals of open market, “{first.name}” for the longest "
        "time. Their signals wait."
    )


def _url(first: LiveStrategy, number: int) -> str:
    return f"/dashboard/live-trading/{first.pk}" if number == 1 else "/dashboard/live-trading"
