"""The broker accounts of a user, and the broker behind each."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.module_loading import import_string

from livetrading.brokers.protocol import Broker
from livetrading.models import BrokerAccount, PaperAccount
from livetrading.models.kept_totals import TOTALS
from livetrading.services.account_rules import create_default_rules
from tradedesk.accounts.models import Mode, User
from tradedesk.audit.services import Entry, record_all
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import DEFAULT_COSTS


class NoBroker(Exception):
    """No broker account is connected in this mode; the message can be shown to a person."""


def active_account(user_id: int, mode: str, wall_now: datetime | None = None) -> BrokerAccount:
    """The account that new deployments of this mode use. The first call opens the paper account with
    PAPER_STARTING_CASH and the costs of a new backtest, so that both have the same prices. wall_now: for the
    record of that; the desk keeps none of the account that it makes with a new user. Raises NoBroker."""
    account = BrokerAccount.objects.filter(user_id=user_id, mode=mode, active=True).first()
    if account is not None:
        return account
    if mode != Mode.PAPER:
        raise NoBroker("No live broker account is connected, so live orders cannot be sent.")
    return _open_paper_account(user_id, wall_now)


def broker_for(account: BrokerAccount, now: datetime) -> Broker:
    """The broker of this account at the market time `now`. Raises NoBroker.

    Nothing else connects an account, so what may not trade stops here.
    """
    if problem := account.market_problem:
        raise NoBroker(problem)
    if account.revoked:
        raise NoBroker(f"“{account.name}” is revoked: the desk has no keys of it any more.")
    connect = settings.BROKERS.get(account.broker)
    if connect is None:
        raise NoBroker(f"The desk has no connection to the broker of “{account.name}”.")
    broker: Broker = import_string(connect)(account, now)
    return broker


def switch_to(account: BrokerAccount) -> bool:
    """Make it the active account of its mode. Returns False when it cannot be: it is revoked, has not passed
    its test, which the simulation does not need, or cannot trade the desk's market. Called under the lock of the
    user's row."""
    if account.market_problem:
        return False
    usable = Q(broker=BrokerAccount.Broker.PAPER) | Q(verified_at__isnull=False)
    same = BrokerAccount.objects.filter(user=account.user_id, mode=account.mode)
    chosen = same.filter(usable, pk=account.pk, revoked_at=None)
    if not chosen.exists():
        return False
    same.filter(active=True).exclude(pk=account.pk).update(active=False)
    account.active = chosen.update(active=True) == 1
    return account.active


def _open_paper_account(user_id: int, wall_now: datetime | None) -> BrokerAccount:
    names = {"broker": BrokerAccount.Broker.PAPER, "name": "Paper account"}
    with transaction.atomic():
        # Every change of the active account has this lock.
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        account, opened = BrokerAccount.objects.get_or_create(
            user_id=user_id, mode=Mode.PAPER, active=True, defaults={**names, **empty_books(_starting_cash())}
        )
        open_books(account)
        if opened:
            create_default_rules(account)
        if opened and wall_now is not None:
            details = {**names, "mode": Mode.PAPER, "active": True}
            record_all([Entry(user, "account_added", account, details)], wall_now)
    return account


def open_simulation(account: BrokerAccount) -> None:
    """Store a new account of the simulation, with its cash."""
    for name, value in empty_books(_starting_cash()).items():
        setattr(account, name, value)
    account.save()
    open_books(account)


def open_books(account: BrokerAccount) -> None:
    """The records of the simulation itself."""
    cash = _starting_cash()
    books = {"starting_cash": cash, "cash": cash, **DEFAULT_COSTS.as_dict()}
    PaperAccount.objects.get_or_create(broker_account=account, defaults=books)


def _starting_cash() -> Decimal:
    return to_decimal(settings.PAPER_STARTING_CASH)


def empty_books(cash: object) -> dict[str, object]:
    """The fields of an account that has traded nothing and holds `cash` (dollars, or an expression)."""
    in_cash = ("cash", "equity", "buying_power", "peak_equity", "day_start_equity", "booked_cash")
    unset = ("snapshot_at", "reconciled_at", "equity_day", "peak_restarted_at")
    cursors = {"fill_cursor": "", "activity_cursor": ""}
    return {**dict.fromkeys(in_cash, cash), **dict.fromkeys(unset), **cursors, **dict.fromkeys(TOTALS, 0)}
