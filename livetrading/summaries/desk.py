"""The figures at the head of the live pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from livetrading.models import LiveStrategy
from livetrading.models.order import WORKING
from livetrading.summaries.account import AccountSummary, read_account
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import daily_time


@dataclass(frozen=True, slots=True)
class DeskSummary:
    """account: of the mode the user is in; its performance holds executed trades and profit and loss. The counts
    are of live strategies by status, and of signals on this market day: all of them, and those that led to an
    order."""

    account: AccountSummary
    active: int
    paused: int
    stopped: int
    signals_today: int
    orders_today: int

    @property
    def strategies(self) -> int:
        return self.active + self.paused + self.stopped


def read_desk(user: User, now: datetime) -> DeskSummary:
    account = read_account(user, user.mode, now)
    status = LiveStrategy.Status
    strategies = user.live_strategies.order_by().aggregate(
        **{value: Count("pk", filter=Q(status=value)) for value in (status.ACTIVE, status.PAUSED, status.STOPPED)}
    )
    signals = user.signals.filter(created_at__gte=daily_time(account.day), created_at__lte=now)
    today = signals.order_by().aggregate(total=Count("pk"), ordered=Count("order"))
    return DeskSummary(account, **strategies, signals_today=today["total"], orders_today=today["ordered"])


def working_orders(orders: "QuerySet[Any]") -> "QuerySet[Any]":
    """Those of `orders` that may still be filled: what waits for the next bar first, then protective exits."""
    return (
        orders.filter(state__in=WORKING)
        .select_related("live_strategy")
        .order_by("purpose", "-created_at", "symbol")
    )
