"""Whether trading works, for the desk's health: late checks, stuck orders, accounts and strategies that fail.

What a sentence counts belongs to several users, so it names none of them; the lines are for an operator.
"""

from datetime import datetime

from django.db.models import Case, Count, F, Max, Min, Q, When

from livetrading.models import BrokerAccount, Incident, LiveStrategy, Order
from livetrading.models.account import FAILING, in_this_market
from livetrading.models.live_strategy import CHECKED
from livetrading.services.overdue import due_checks
from livetrading.services.stuck import STUCK_AFTER, stuck_orders, unreconciled_accounts
from livetrading.services.wording import counted
from tradedesk.marketdata.clock import MarketStatus, market_clock, market_status
from tradedesk.monitoring.findings import Finding, State

PARTS = ("checks", "orders", "accounts", "failures")
# Their trouble is that of single users; late checks are that of the desk.
OWNED = ("orders", "accounts", "failures")
# The lines for an operator.
LINES = 20


def trading_findings(wall_now: datetime) -> dict[str, Finding]:
    """For each of PARTS what is wrong and what to do. At most nine queries, however many rows there are."""
    now, market = market_clock().now(), market_status()
    return {
        "checks": _checks(now, market),
        "orders": _orders(wall_now),
        "accounts": _accounts(now, market),
        "failures": _failures(),
    }


def _checks(now: datetime, market: MarketStatus) -> Finding:
    due = due_checks(now, market)
    if due.overdue:
        return Finding(
            State.ERROR,
            f"{counted(due.overdue, 'check')} should have been made long ago, the oldest {_ago(now, due.oldest)}. "
            "If this stays, start more workers, or deploy fewer strategies.",
        )
    return Finding(State.OK, f"The oldest was due {_ago(now, due.oldest)}." if due.oldest else "None is due.")


def _orders(wall_now: datetime) -> Finding:
    stuck = Order.objects.filter(stuck_orders(wall_now)).aggregate(
        number=Count("pk"), oldest=Min("state_changed_at"), newest=Max("state_changed_at")
    )
    unsent = Incident.objects.filter(kind=Incident.Kind.UNSENT_ORDER, resolved_at=None).count()
    problems = []
    if stuck["number"]:
        ahead = " The clock went back: correct it." if stuck["newest"] > wall_now else ""
        problems.append(
            f"{counted(stuck['number'], 'order')} on the way to the broker for more than "
            f"{STUCK_AFTER.total_seconds():.0f} s, since {stuck['oldest']:%Y-%m-%d %H:%M:%S} UTC.{ahead}"
        )
    if unsent:
        problems.append(
            f"{counted(unsent, 'order')} could not be sent again and again. The incident on the live trading page "
            "of the account says why."
        )
    return Finding(State.ERROR, " ".join(problems)) if problems else Finding(State.OK, "None is stuck.")


def _accounts(now: datetime, market: MarketStatus) -> Finding:
    """A reconcile that fails is trouble of one account; one that nobody made is that of the desk."""
    accounts = BrokerAccount.objects.filter(in_this_market(), revoked_at=None)
    failing = accounts.filter(failures__gte=FAILING)
    late = accounts.filter(unreconciled_accounts(now, market), failures__lt=FAILING)
    worst = late.aggregate(number=Count("pk"), oldest=Min("reconciled_at"))
    problems = []
    if number := failing.count():
        problems.append(
            f"{counted(number, 'broker account')} could not be reconciled {FAILING} times or more in a row. "
            "The reason is on the live trading page of the account."
        )
    if worst["number"]:
        problems.append(
            f"{counted(worst['number'], 'broker account')} not reconciled for too long, the worst "
            f"{_ago(now, worst['oldest'])}."
        )
    is_ill = Case(When(Q(failures__gte=FAILING) | unreconciled_accounts(now, market), then=True), default=False)
    worst_first = accounts.order_by(is_ill.desc(), F("reconciled_at").asc(nulls_last=True), "pk")
    lines = tuple(_account_line(account) for account in worst_first[:LINES])
    if not problems:
        return Finding(State.OK, "All are reconciled.", lines)
    return Finding(State.ERROR if worst["number"] else State.WARNING, " ".join(problems), lines)


def _account_line(account: BrokerAccount) -> str:
    at = (
        f"reconciled {account.reconciled_at:%Y-%m-%d %H:%M:%S} UTC"
        if account.reconciled_at
        else "never reconciled"
    )
    return f"Account {account.pk} ({account.name}): {at}. {account.state_reason}".strip()


def _failures() -> Finding:
    failing = LiveStrategy.objects.filter(status__in=CHECKED, failures__gte=FAILING)
    ended = LiveStrategy.objects.filter(status=LiveStrategy.Status.ERROR)
    number, errors = failing.count(), ended.count()
    problems = []
    if number:
        problems.append(
            f"{counted(number, 'live strategy', 'live strategies')} failed {FAILING} checks or more in a row. The "
            "last error is on the page of the strategy: correct it, or stop the strategy."
        )
    if errors:
        problems.append(
            f"{counted(errors, 'strategy', 'strategies')} stopped with an error. The page of the strategy says "
            "why: correct it and start the strategy, or stop it."
        )
    if not problems:
        return Finding(State.OK, "No strategy fails again and again.")
    shown = (failing | ended).order_by("-failures", "pk")[:LINES]
    lines = tuple(f"Strategy {live.pk}: {live.failures:,} failures. {live.last_error}" for live in shown)
    return Finding(State.WARNING, " ".join(problems), lines)


def _ago(now: datetime, moment: datetime | None) -> str:
    """In market time."""
    seconds = (now - moment).total_seconds() if moment else 0.0
    if seconds < 120:
        return f"{seconds:,.0f} s ago"
    return f"{seconds / 60:,.0f} min ago" if seconds < 7200 else f"{seconds / 3600:,.0f} h ago"
