"""Delete everything that a user has traded, at the request of an operator."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from livetrading.models import (
    AccountDay,
    BrokerAccount,
    DailySummary,
    Incident,
    LivePosition,
    LiveStrategy,
    LiveTrade,
    Order,
    PaperAccount,
    PaperOrder,
    PaperPosition,
    PaperTrade,
)
from livetrading.models.kept_totals import TOTALS
from livetrading.models.order import WORKING
from livetrading.services.account_rules import forget_history
from livetrading.services.reset import begin_anew, lock_accounts
from livetrading.services.wording import counted
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record

COMMAND = "manage.py clear_trading_data"
_LOTS = (PaperTrade, LiveTrade)
# In this order, because a lot protects its order.
_RECORDS = (*_LOTS, PaperPosition, LivePosition, Incident, Order, DailySummary, AccountDay)


class NotCleared(Exception):
    """Nothing was deleted; the message can be shown to a person."""


@dataclass(frozen=True, slots=True)
class TradingData:
    strategies: int
    signals: int
    orders: int
    trades: int
    notifications: int

    def __str__(self) -> str:
        return (
            f"{counted(self.strategies, 'live strategy', 'live strategies')}, {counted(self.signals, 'signal')}, "
            f"{counted(self.orders, 'order')}, {counted(self.trades, 'trade')} and "
            f"{counted(self.notifications, 'notification')}"
        )


def trading_data(user: User) -> TradingData:
    """What `clear_trading_data` would delete now."""
    return TradingData(
        strategies=LiveStrategy.with_deleted.filter(user=user).count(),
        signals=user.signals.count(),
        orders=user.orders.count(),
        trades=user.papertrades.count() + user.livetrades.count(),
        notifications=user.notifications.count(),
    )


def clear_trading_data(user: User, wall_now: datetime) -> TradingData:
    """Delete the live strategies, signals, orders, trades, positions, incidents, summaries and notifications of
    this user, on paper and with real money, and the archives of paper accounts. Accounts, their rules and keys,
    strategies, backtests and the audit stay; a simulated account starts anew. Raises NotCleared while something is
    held or at work at a broker: the desk would forget it."""
    with transaction.atomic():
        accounts = lock_accounts(BrokerAccount.objects.filter(user=user))
        if problem := held_at_brokers(user):
            raise NotCleared(problem)
        done = trading_data(user)
        books = PaperAccount.objects.filter(broker_account__in=accounts)
        for records in _RECORDS:
            records._default_manager.filter(account__in=accounts).delete()
        PaperOrder.objects.filter(account__in=books).delete()
        LiveStrategy.with_deleted.filter(user=user).delete()
        user.notifications.all().delete()
        begin_anew(list(books))
        # The cursors stay: what a broker reports again of these orders belongs to none of the desk's.
        others = [account.pk for account in accounts if not account.is_simulation]
        BrokerAccount.objects.filter(pk__in=others).update(epoch=F("epoch") + 1, **dict.fromkeys(TOTALS, 0))
        forget_history(others)
        BrokerAccount.objects.filter(user=user).exclude(archived_at=None).delete()
        record(COMMAND, "trading_data_cleared", user, {"deleted": str(done)}, wall_now)
        transaction.on_commit(lambda: bump_version(user.pk), robust=True)
    return done


def held_at_brokers(user: User) -> str:
    """What the user holds or has at work outside the simulation, in words; "" for nothing."""
    outside = BrokerAccount.objects.filter(user=user).exclude(broker=BrokerAccount.Broker.PAPER)
    lots = sum(model._default_manager.filter(account__in=outside, exit_time=None).count() for model in _LOTS)
    orders = Order.objects.filter(account__in=outside, state__in=WORKING).count()
    counts = ((lots, "open position"), (orders, "working order"))
    found = [counted(number, noun) for number, noun in counts if number]
    if not found:
        return ""
    return f"{user} has {' and '.join(found)} at a broker. Close and cancel them first, or the desk forgets them."
