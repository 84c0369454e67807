"""A broker that knows its accounts by their keys, for tests of connections: settings.BROKERS names `connect`."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import pytest
from django.db import connection
from pytest_django import Settings

from livetrading.brokers.protocol import AccountReport, BrokerPosition, Capabilities, KeysRefused
from livetrading.credentials import Credentials, credentials_of
from livetrading.models import BrokerAccount, ConnectionTest
from livetrading.services.broker_accounts import add_account
from livetrading.services.connection_tests import finish_test, run_test
from tests.livetrading.factories import NOW, WALL
from tradedesk.accounts.models import User

KEYS = Credentials(key_id="PKPLANTED00000KEY1", secret="planted-secret-0123456789abcdef")
OTHER_KEYS = Credentials(key_id="PKPLANTED00000KEY2", secret="planted-second-0123456789abcdef")
WRONG_KEYS = Credentials(key_id="PKPLANTED0000WRONG", secret="planted-wrong-00123456789abcdef")


def report(number: str = "PA3000001234", **fields: object) -> AccountReport:
    values: dict[str, object] = {
        "cash": Decimal("25000.5"),
        "equity": Decimal(40_000),
        "buying_power": Decimal(50_000),
        "status": "ACTIVE",
        "shorting": True,
    }
    return AccountReport(number=number, **(values | fields))  # type: ignore[arg-type]  # by name


@dataclass
class KeyedBroker:
    """accounts: by key id. held: shares by symbol. failure: of every call. asked: the keys of each connection.
    in_transaction: of each connection, whether it was made in one."""

    accounts: dict[str, AccountReport] = field(default_factory=lambda: {KEYS.key_id: report()})
    held: dict[str, Decimal] = field(default_factory=dict)
    failure: Exception | None = None
    asked: list[Credentials] = field(default_factory=list)
    in_transaction: list[bool] = field(default_factory=list)


@dataclass
class Connection:
    broker: KeyedBroker
    keys: Credentials
    capabilities: Capabilities = field(default_factory=Capabilities)

    def account(self) -> AccountReport:
        if self.broker.failure is not None:
            raise self.broker.failure
        if self.keys.key_id not in self.broker.accounts:
            raise KeysRefused("401")
        return self.broker.accounts[self.keys.key_id]

    def positions(self) -> list[BrokerPosition]:
        return [BrokerPosition(symbol=symbol, quantity=shares) for symbol, shares in self.broker.held.items()]


_current = KeyedBroker()


def connect(account: BrokerAccount, _now: datetime) -> Connection:
    keys = credentials_of(account)
    _current.asked.append(keys)
    _current.in_transaction.append(connection.in_atomic_block)
    return Connection(_current, keys)


def use(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> KeyedBroker:
    """Make a new one the broker “alpaca”."""
    broker = KeyedBroker()
    monkeypatch.setattr(f"{__name__}._current", broker)
    settings.BROKERS = settings.BROKERS | {"alpaca": f"{__name__}.connect"}
    return broker


def add(user: User, *, keys: Credentials = KEYS, mode: str = "paper", activate: bool = False) -> BrokerAccount:
    """An account whose test is queued."""
    return add_account(user, "alpaca", mode, f"Alpaca {mode}", keys, activate=activate, wall_now=WALL)


def run(account: BrokerAccount) -> ConnectionTest:
    """Run the queued test of the account, as a worker does; the account and its test as they are stored then."""
    test = ConnectionTest.objects.get(account=account)
    outcome = run_test(test.pk, test.run, NOW)
    assert outcome is not None
    finish_test(test.pk, test.run, outcome, WALL)
    account.refresh_from_db()
    test.refresh_from_db()
    return test


def add_verified(user: User, *, mode: str = "paper", activate: bool = True) -> BrokerAccount:
    account = add(user, mode=mode, activate=activate)
    assert run(account).problem == ""
    return account
