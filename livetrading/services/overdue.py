"""Which checks are late: a desk that is alive and does not check does not trade."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from livetrading.models import LiveStrategy
from livetrading.models.account import in_this_market
from livetrading.models.live_strategy import CHECKED, MIN_CHECK_INTERVAL
from tradedesk.marketdata import sessions
from tradedesk.marketdata.clock import MarketStatus

# A check that is late by so many of its intervals is overdue.
MISSED_INTERVALS = 5
# Enough to say that many are overdue.
_MOST = 1000


@dataclass(frozen=True, slots=True)
class DueChecks:
    """oldest: when the check was due that waits longest, in market time; None when no check is due. overdue: how
    many should have been made long ago, _MOST at most."""

    oldest: datetime | None
    overdue: int


def due_checks(now: datetime, market: MarketStatus) -> DueChecks:
    """The checks of active and paused strategies that are due at the market time `now`. Two queries.

    The replay goes from one close to the next: only a check that was due at an earlier close is late there, and
    none is when it has ended.
    """
    if market.ended:
        return DueChecks(None, 0)
    oldest = _due(now).values_list("next_check_at", flat=True).first()
    latest = now - timedelta(seconds=MISSED_INTERVALS * MIN_CHECK_INTERVAL)
    if market.kind == "replay":
        latest = min(latest, sessions.previous_close(now - timedelta(seconds=1)))
    rows = _due(latest).values_list("next_check_at", "check_interval")[:_MOST]
    overdue = sum(at <= now - timedelta(seconds=MISSED_INTERVALS * interval) for at, interval in rows)
    return DueChecks(oldest, overdue)


def _due(latest: datetime) -> "QuerySet[LiveStrategy]":
    """Due at that market time or earlier, the most overdue first."""
    works = {"account__revoked_at": None, "status__in": CHECKED}
    due = LiveStrategy.objects.filter(in_this_market("account__"), **works, next_check_at__lte=latest)
    return due.order_by("next_check_at")
