"""The broker accounts of a user, and the broker behind each."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from livetrading.brokers.protocol import Broker
from livetrading.models import BrokerAccount, PaperAccount
from livetrading.services.account_rules import create_default_rules
from tradedesk.accounts.models import Mode
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import DEFAULT_COSTS


class NoBroker(Exception):
    """No broker account is connected in this mode; the message can be shown to a person."""


def active_account(user_id: int, mode: str) -> BrokerAccount:
    """The account that new deployments of this mode use. The first call opens the paper account with
    PAPER_STARTING_CASH and the costs of a new backtest, so that both have the same prices. Raises NoBroker."""
    account = BrokerAccount.objects.filter(user_id=user_id, mode=mode, active=True).first()
    if account is not None:
        return account
    if mode != Mode.PAPER:
        raise NoBroker("No live broker account is connected, so live orders cannot be sent.")
    return _open_paper_account(user_id)


def broker_for(account: BrokerAccount, now: datetime) -> Broker:
    """The broker of this account at the market time `now`. Raises NoBroker."""
    connect = settings.BROKERS.get(account.broker)
    if connect is None:
        raise NoBroker(f"The desk has no connection to the broker of “{account.name}”.")
    broker: Broker = import_string(connect)(account, now)
    return broker


def _open_paper_account(user_id: int) -> BrokerAccount:
    cash = to_decimal(settings.PAPER_STARTING_CASH)
    books = {"starting_cash": cash, "cash": cash, **DEFAULT_COSTS.as_dict()}
    with transaction.atomic():
        account, opened = BrokerAccount.objects.get_or_create(
            user_id=user_id,
            mode=Mode.PAPER,
            active=True,
            defaults={"broker": BrokerAccount.Broker.PAPER, "name": "Paper account", **empty_books(cash)},
        )
        PaperAccount.objects.get_or_create(broker_account=account, defaults=books)
        if opened:
            create_default_rules(account)
    return account


def empty_books(cash: object) -> dict[str, object]:
    """The fields of an account that has traded nothing and holds `cash` (dollars, or an expression)."""
    in_cash = ("cash", "equity", "buying_power", "peak_equity", "day_start_equity", "booked_cash")
    unset = ("snapshot_at", "reconciled_at", "equity_day", "peak_restarted_at")
    return {**dict.fromkeys(in_cash, cash), **dict.fromkeys(unset), "fill_cursor": "", "activity_cursor": ""}
