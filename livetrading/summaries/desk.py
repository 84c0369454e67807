"""The key figures at the top of the live pages, and the working orders."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from livetrading.models import LiveStrategy, OrderState
from livetrading.models.order import PROTECTIVE, WORKING
from livetrading.summaries.account import AccountSummary, read_account
from livetrading.summaries.signals import NOT_ARCHIVED
from tradedesk.accounts.models import User
from tradedesk.marketdata.sessions import daily_time


@dataclass(frozen=True, slots=True)
class DeskSummary:
    """account: in the user's mode, with the number of trades and the profit and loss. active, error, paused,
    stopped: numbers of live strategies. signals_today, orders_today: signals of this market day, and those that
    led to an order."""

    account: AccountSummary
    active: int
    error: int
    paused: int
    stopped: int
    signals_today: int
    orders_today: int

    @property
    def strategies(self) -> int:
        return self.active + self.error + self.paused + self.stopped


def read_desk(user: User, now: datetime) -> DeskSummary:
    account = read_account(user, user.mode, now)
    strategies = user.live_strategies.order_by().aggregate(
        **{value: Count("pk", filter=Q(status=value)) for value in LiveStrategy.Status.values}
    )
    signals = user.signals.filter(NOT_ARCHIVED, created_at__gte=daily_time(account.day), created_at__lte=now)
    today = signals.order_by().aggregate(total=Count("pk"), ordered=Count("order"))
    return DeskSummary(account, **strategies, signals_today=today["total"], orders_today=today["ordered"])


def has_activity(user: User, desk: DeskSummary) -> bool:
    """Whether anything was deployed, traded, ordered or reported in the user's mode. At most one query."""
    account = desk.account
    if desk.strategies or account.performance.trades or account.incidents:
        return True
    return user.orders.filter(account__mode=user.mode, state__in=WORKING).exists()


def working_orders(orders: "QuerySet[Any]") -> "QuerySet[Any]":
    """The orders that can still be filled: orders for the next bar first, then protective exits.

    Without the protective exits of an entry that is not filled: they have no lot and no exact price yet."""
    waiting = Q(state=OrderState.WAITING, purpose__in=PROTECTIVE, opening_order__filled_quantity=0)
    return (
        orders.filter(state__in=WORKING)
        .exclude(waiting)
        .select_related("live_strategy")
        .order_by("purpose", "-created_at", "symbol")
    )
