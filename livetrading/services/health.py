"""Whether trading works, for the desk's health: failing checks, failing accounts, checks that nobody does."""

from datetime import datetime, timedelta

from livetrading.models import BrokerAccount, Incident, LiveStrategy
from livetrading.models.account import FAILING
from livetrading.models.live_strategy import MIN_CHECK_INTERVAL
from livetrading.services.wording import counted
from tradedesk.marketdata import sessions
from tradedesk.marketdata.clock import MarketStatus, market_clock, market_status

# A check that is late by so many of its intervals is overdue.
MISSED_INTERVALS = 5
# Enough to say that many are overdue.
_MOST = 1000


def trading_problem() -> str:
    """What is wrong with trading and what to do, for the whole desk; "" when it works. At most six queries."""
    active = LiveStrategy.objects.filter(status=LiveStrategy.Status.ACTIVE)
    accounts = BrokerAccount.objects.filter(failures__gte=FAILING).count()
    checks = active.filter(failures__gte=FAILING).count()
    unsent = Incident.objects.filter(kind=Incident.Kind.UNSENT_ORDER, resolved_at=None).count()
    overdue = _count_overdue(market_clock().now(), market_status())
    problems = []
    if accounts:
        problems.append(
            f"{counted(accounts, 'broker account')} could not be reconciled {FAILING} times or more in a row. "
            "The reason is on the live trading page of the account."
        )
    if checks:
        problems.append(
            f"{counted(checks, 'active strategy', 'active strategies')} failed {FAILING} checks or more in a "
            "row. The last error is on the page of the strategy: correct it, or stop the strategy."
        )
    if unsent:
        problems.append(
            f"{counted(unsent, 'order')} could not be sent again and again. The incident on the live trading page "
            "of the account says why."
        )
    if overdue:
        problems.append(
            f"{counted(overdue, 'check')} should have been made long ago. If this stays, start more workers, or "
            "deploy fewer strategies."
        )
    return " ".join(problems)


def _count_overdue(now: datetime, market: MarketStatus) -> int:
    """Checks that should have been made long before `now`; _MOST at most.

    The replay goes from one close to the next: only a check that was due at an earlier close is late there, and
    none is when it has ended.
    """
    if market.ended:
        return 0
    latest = now - timedelta(seconds=MISSED_INTERVALS * MIN_CHECK_INTERVAL)
    if market.kind == "replay":
        latest = min(latest, sessions.previous_close(now - timedelta(seconds=1)))
    due = LiveStrategy.objects.filter(status=LiveStrategy.Status.ACTIVE, next_check_at__lte=latest)
    rows = due.order_by("next_check_at").values_list("next_check_at", "check_interval")[:_MOST]
    return sum(at <= now - timedelta(seconds=MISSED_INTERVALS * interval) for at, interval in rows)
