"""On the replay market no account at a broker is used: its prices are of the past, and the money is of today."""

import pytest
from pytest_django import Settings

from livetrading.models import BrokerAccount, OrderState
from livetrading.pipeline.execute import execute_order
from livetrading.services.accounts import NoBroker, broker_for
from livetrading.services.broker_accounts import AccountRefused, activate_account, add_account, request_test
from livetrading.services.deploy import DeployRefused, check_room
from livetrading.services.mode import WrongMarket, problem_with_live
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import alpaca_desk
from tests.livetrading.brokers.alpaca.stand_in import one_server, server  # noqa: F401 - fixtures
from tests.livetrading.factories import NOW, WALL
from tests.livetrading.keyed_broker import KEYS
from tradedesk.accounts.models import Mode, User
from tradedesk.settings import base


def test_nothing_is_sent_to_a_broker(server: AlpacaServer, alice: User, settings: Settings) -> None:  # noqa: F811
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
    assert desk.account.state == BrokerAccount.State.DEGRADED
    assert "MARKET=alpaca" in desk.account.state_reason


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
