"""Empty simulated accounts: one user's, whose history moves to an archive, or those of all with a restart of the
replay market, because the records must not contain trades of later bars.

Nothing here touches an account that is not simulated by the desk.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q, QuerySet

from livetrading.models import (
    AccountDay,
    BrokerAccount,
    DailySummary,
    Fill,
    Incident,
    LiveStrategy,
    Order,
    PaperAccount,
    PaperFill,
    PaperOrder,
    PaperPosition,
    PaperTrade,
    SignalHistory,
    SummarizedSession,
)
from livetrading.models.decision_code import DecisionCode
from livetrading.models.live_strategy import CHECKED
from livetrading.models.order import WORKING
from livetrading.services.account_rules import forget_history
from livetrading.services.accounts import empty_books
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record
from tradedesk.core.money import PLACES
from tradedesk.marketdata import replay
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.notifications.models import Notification

COMMAND = "manage.py reset_{}"
REASON = "The paper account was reset."
# Dollars of a new balance.
LEAST, MOST = Decimal(100), Decimal(100_000_000)
_SIMULATED = Q(broker=BrokerAccount.Broker.PAPER, archived_at=None)
# The records of an account, besides its live strategies and the books of the simulation.
_RECORDS = (PaperTrade, PaperPosition, Order, Fill, Incident, DailySummary, AccountDay)


class NotReset(Exception):
    """Nothing was changed; the message can be shown to a person."""


@dataclass(frozen=True, slots=True)
class PaperReset:
    """What a reset moves to the archive, or has moved. accounts: the simulated accounts. strategies: all that are
    deployed; running: those of them that trade. balance: the cash of each account afterwards."""

    accounts: int
    strategies: int
    running: int
    trades: int
    positions: int
    orders: int
    balance: Decimal


def reset_replay(wall_now: datetime, *, start: date | None = None, by: User | None = None) -> int:
    """Empty the simulated accounts of all users, with their archives, and set the replay to its first session on
    or after `start`, REPLAY_START when it is None. by: the user who does it; None for the command. Returns the
    number of deleted deployments."""
    with transaction.atomic():
        count = _empty(Q(broker=BrokerAccount.Broker.PAPER))
        BrokerAccount.objects.exclude(archived_at=None).delete()
        SummarizedSession.objects.all().delete()
        Notification.objects.all().delete()
        replay.restart(wall_now, start)
        market = ReplayMarket.objects.get()
        details = {"deployments": count, "session": str(market.session)}
        record(by or COMMAND.format("replay"), "replay_reset", market, details, wall_now)
    return count


def planned_reset(user: User, balance: Decimal | None = None) -> PaperReset:
    """What `reset_paper` would do now. Seven queries."""
    accounts = list(
        BrokerAccount.objects.filter(_SIMULATED, user=user).select_related("paper_account").order_by("pk")
    )
    return _figures(accounts, balance)


def reset_paper(
    user: User, now: datetime, wall_now: datetime, *, by: User | str, balance: Decimal | None = None
) -> PaperReset:
    """Stop the paper strategies of this user, move the history of the simulated accounts to archives, and let them
    start anew with `balance` dollars, by default with what they started with. The market goes on. Raises
    NotReset."""
    if balance is not None:
        check_balance(balance)
    with transaction.atomic():
        accounts = lock_accounts(BrokerAccount.objects.filter(_SIMULATED, user=user))
        if not accounts:
            raise NotReset("There is no paper account of the desk yet.")
        done = _figures(accounts, balance)
        for account in accounts:
            if _has_history(account):
                _archive(account, now, wall_now)
        books = PaperAccount.objects.filter(broker_account__in=accounts)
        if balance is not None:
            books.update(starting_cash=balance)
        begin_anew(list(books))
        details = {"strategies": done.strategies, "trades": done.trades, "balance": done.balance}
        record(by, "paper_reset", user, details, wall_now)
        transaction.on_commit(lambda: bump_version(user.pk), robust=True)
    return done


def check_balance(balance: Decimal) -> None:
    """Raises NotReset."""
    if not balance.is_finite() or not LEAST <= balance <= MOST or balance != round(balance, PLACES):
        raise NotReset(f"Enter a balance from ${LEAST:,} to ${MOST:,}.")


def _figures(accounts: list[BrokerAccount], balance: Decimal | None) -> PaperReset:
    deployed = LiveStrategy.objects.filter(account__in=accounts)
    cash = accounts[0].paper_account.starting_cash if accounts else Decimal(0)
    return PaperReset(
        accounts=len(accounts),
        strategies=deployed.count(),
        running=deployed.filter(status__in=CHECKED).count(),
        trades=PaperTrade.objects.filter(account__in=accounts).count(),
        positions=PaperPosition.objects.filter(account__in=accounts).count(),
        orders=Order.objects.filter(account__in=accounts, state__in=WORKING).count(),
        balance=cash if balance is None else balance,
    )


def lock_accounts(which: "QuerySet[BrokerAccount]") -> list[BrokerAccount]:
    """These accounts under their row locks, and those of their books.

    The locks let running ticks and submits end first; later ones find the new epoch.
    """
    found = which.order_by("pk").select_for_update(of=("self",))
    accounts = list(found.select_related("paper_account"))
    # The broker's matcher takes only this lock.
    list(PaperAccount.objects.filter(broker_account__in=accounts).select_for_update().order_by("pk"))
    return accounts


def _has_history(account: BrokerAccount) -> bool:
    deployed = LiveStrategy.with_deleted.filter(account=account).exists()
    return deployed or any(records._default_manager.filter(account=account).exists() for records in _RECORDS)


def _archive(account: BrokerAccount, now: datetime, wall_now: datetime) -> None:
    """Move the history of this account to a new row that never trades. The account itself keeps its name, its
    rules and its halts. A constant number of queries."""
    books = account.paper_account
    archive = BrokerAccount.objects.get(pk=account.pk)
    archive.pk, archive.active, archive.revoked_at, archive.archived_at = None, False, wall_now, now
    archive.entries_stopped_at = None
    archive.name = f"{account.name[:40]} until {now:%Y-%m-%d}"
    archive.save()
    old = PaperAccount.objects.get(pk=books.pk)
    old.pk, old.broker_account = None, archive
    old.save()
    Order.end_all(account.orders.all(), REASON, wall_now)
    PaperOrder.objects.filter(account=books, status=PaperOrder.Status.WORKING).update(
        status=PaperOrder.Status.CANCELLED, reason=REASON
    )
    deployed = LiveStrategy.with_deleted.filter(account=account)
    waiting = SignalHistory.objects.filter(live_strategy__in=deployed, outcome=SignalHistory.Outcome.RECORDED)
    refused = {"outcome": SignalHistory.Outcome.REFUSED, "code": DecisionCode.STOPPED}
    waiting.update(**refused, reason=REASON, waits_until=None)
    deployed.filter(deleted_at=None).update(deleted_at=now, status=LiveStrategy.Status.STOPPED)
    deployed.update(account=archive)
    for records in _RECORDS:
        records._default_manager.filter(account=account).update(account=archive)
    PaperFill.objects.filter(account=books).update(account=old)
    PaperOrder.objects.filter(account=books).update(account=old)


def _empty(which: Q) -> int:
    """Delete the records and the deployments of these accounts, and give them their starting cash. Returns the
    number of deployments."""
    ids = [account.pk for account in lock_accounts(BrokerAccount.objects.filter(which))]
    books = PaperAccount.objects.filter(broker_account__in=ids)
    for records in (PaperTrade, PaperPosition, Incident, Order, DailySummary, AccountDay):
        records.objects.filter(account__in=ids).delete()
    PaperOrder.objects.filter(account__in=books).delete()
    begin_anew(list(books))
    deployed = LiveStrategy.with_deleted.filter(account__in=ids)
    count = deployed.count()
    deployed.delete()
    return count


def begin_anew(books: list[PaperAccount]) -> None:
    """Their starting cash, and no history. The new epoch of the accounts refuses orders that a worker is just
    sending."""
    PaperAccount.objects.filter(pk__in=[own.pk for own in books]).update(cash=F("starting_cash"))
    for own in books:
        BrokerAccount.objects.filter(pk=own.broker_account_id).update(
            **empty_books(own.starting_cash),
            epoch=F("epoch") + 1,
            state=BrokerAccount.State.CONNECTED,
            state_reason="",
            failures=0,
        )
    forget_history([own.broker_account_id for own in books])
