"""The history of an account by day: its equity, its profit, and what it traded."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from livetrading.models import AccountDay, BrokerAccount, DailySummary
from livetrading.summaries.trade_days import today_of

# A point of a chart for each day: the last ten years.
MOST_DAYS = 2520


@dataclass(frozen=True, slots=True)
class AccountHistoryDay:
    """summary: what the desk traded, None on a day without one."""

    of: AccountDay
    summary: DailySummary | None

    @property
    def day(self) -> date:
        return self.of.day

    @property
    def equity(self) -> Decimal:
        return self.of.equity

    @property
    def pnl(self) -> Decimal:
        return self.of.pnl

    @property
    def return_fraction(self) -> float | None:
        return self.of.return_fraction


def latest_days(account: BrokerAccount | None, days: int = MOST_DAYS) -> list[AccountDay]:
    """The last `days` days with a report of the broker, the newest first. One query."""
    if account is None:
        return []
    today = today_of(account)
    stored = AccountDay.objects.filter(account=account)
    if today is not None:
        stored = stored.filter(day__lt=today.day)
    found = [] if today is None else [today]
    return [*found, *stored.order_by("-day")[: days - len(found)]]


def history(account: BrokerAccount | None, days: int) -> list[AccountHistoryDay]:
    """The same with the summaries of the sessions. Two queries."""
    found = latest_days(account, days)
    if account is None or not found:
        return []
    stored = account.daily_summaries.filter(session__gte=found[-1].day, session__lte=found[0].day)
    summaries = {each.session: each for each in stored}
    return [AccountHistoryDay(each, summaries.get(each.day)) for each in found]
