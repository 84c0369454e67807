"""On the replay market no account at a broker is used: its prices are of the past, and the money is of today."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from livetrading.models import BrokerAccount, OrderState
from livetrading.models.account import REPLAY
from livetrading.pipeline.dispatch import claim_due_accounts
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.requeue import lost_orders
from livetrading.pipeline.tick import tick
from livetrading.services.accounts import NoBroker, broker_for
from livetrading.services.broker_accounts import AccountRefused, activate_account, add_account, request_test
from livetrading.services.deploy import DeployRefused, check_room
from livetrading.services.missed_checks import find_missed_checks
from livetrading.services.mode import WrongMarket, problem_with_live
from livetrading.summaries.health import trading_findings
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import alpaca_desk
from tests.livetrading.brokers.alpaca.stand_in import one_server, server  # noqa: F401 - fixtures
from tests.livetrading.factories import NOW, WALL, make_order
from tests.livetrading.keyed_broker import KEYS
from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.clock import MarketStatus
from tradedesk.monitoring.findings import State
from tradedesk.settings import base


def test_nothing_is_sent_to_a_broker(
    server: AlpacaServer,  # noqa: F811 - the imported fixture
    alice: User,
    settings: Settings,
) -> None:
    desk = alpaca_desk(server, alice, settings)
    desk.deploy()
    for price in (10, 10, 11):
        desk.close_bar(price)
    desk.tick()  # decides an entry
    (entry,) = desk.orders("entry")
    server.requests.clear()
    settings.TRADES_AT_BROKERS = False
    execute_order(entry.pk, desk.now, desk.wall)
    desk.tick()
    assert server.requests == []
    assert desk.states("entry") == [OrderState.BLOCKED]


def test_what_an_account_has_from_before_is_left_alone_quietly(
    server: AlpacaServer,  # noqa: F811 - the imported fixture
    alice: User,
    settings: Settings,
) -> None:
    desk = alpaca_desk(server, alice, settings)
    live = desk.deploy()
    desk.hold()
    sale = make_order(user=alice, account=desk.account, purpose="exit", side="sell", state=OrderState.PENDING)
    before = (desk.account.state, desk.account.failures, desk.states("stop_loss"))
    server.requests.clear()
    settings.TRADES_AT_BROKERS = False
    later, wall = desk.now + timedelta(days=3), desk.wall + timedelta(days=3)
    assert claim_due_accounts(later, wall) == []
    assert lost_orders(wall) == []
    for _ in range(3):
        result = tick(desk.account.pk, later, wall, only=(live.pk,))
        assert (result.orders, result.pause) == ([], timedelta(0))
        execute_order(sale.pk, later, wall)
    assert server.requests == []
    assert (desk.account.state, desk.account.failures, desk.states("stop_loss")) == before
    live.refresh_from_db()
    sale.refresh_from_db()
    assert (live.status, live.failures, sale.state) == ("active", 0, OrderState.PENDING)
    findings = trading_findings(wall)
    assert {findings[name].state for name in ("checks", "orders", "accounts", "failures")} == {State.OK}
    assert find_missed_checks(later, MarketStatus("alpaca", is_open=True)) == 0
    client = Client()
    client.force_login(alice)
    for page in ("/dashboard/live-trading", "/settings/brokers"):
        assert REPLAY in client.get(page).content.decode()


def test_each_way_in_says_why(alice: User, settings: Settings) -> None:
    account = BrokerAccount.objects.create(
        user=alice, broker="alpaca", mode=Mode.LIVE, name="Alpaca", verified_at=WALL, active=False
    )
    settings.TRADES_AT_BROKERS = False
    with pytest.raises(NoBroker, match="MARKET=alpaca"):
        broker_for(account, NOW)
    for attempt in (
        lambda: add_account(alice, "alpaca", "paper", "New", KEYS, activate=True, wall_now=WALL),
        lambda: request_test(account, by=alice, wall_now=WALL),
        lambda: activate_account(account, by=alice, wall_now=WALL),
    ):
        with pytest.raises(AccountRefused, match="MARKET=alpaca"):
            attempt()
    with pytest.raises(DeployRefused, match="MARKET=alpaca"):
        check_room(account)
    assert isinstance(problem_with_live(alice), WrongMarket)
    assert add_account(alice, "paper", "paper", "Simulation", None, activate=True, wall_now=WALL).active


def test_the_market_decides() -> None:
    """What a desk has that is started without a word about its market."""
    assert (base.MARKET, base.TRADES_AT_BROKERS) == ("replay", False)
