"""Fills that the desk hears of late are booked, and those of orders from outside cost it nothing."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from livetrading.brokers.alpaca import broker as broker_module
from livetrading.brokers.alpaca.activities import WIDE
from livetrading.brokers.alpaca.activities import read_trades as real_read_trades
from livetrading.brokers.alpaca.client import Client
from livetrading.brokers.alpaca.orders import Row
from livetrading.brokers.protocol import OutcomeUnknown
from livetrading.models import OrderState
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tests.livetrading.brokers.alpaca.test_pipeline import EXACT
from tradedesk.accounts.models import User

STOP = EXACT[1]


@pytest.fixture
def desk(server: AlpacaServer, alice: User, settings: Any) -> AlpacaDesk:
    made = alpaca_desk(server, alice, settings)
    made.deploy()
    return made


def requests_of_a_tick(desk: AlpacaDesk) -> int:
    before = len(desk.server.requests)
    desk.tick()
    return len(desk.server.requests) - before


# --- Late ---


def test_a_first_fill_is_booked_after_the_desk_was_off_for_days(desk: AlpacaDesk) -> None:
    desk.order_entries()
    desk.open_day(10)
    desk.books.work()
    desk.set_time(desk.now + timedelta(days=9))
    desk.step(3, trades=False)
    (trade,) = desk.trades()
    assert (trade.open_quantity, trade.entry_price) == (100, 10)
    assert desk.on_sale() == [STOP]  # both exits have expired with their day


def test_an_order_asks_for_the_fills_that_no_window_had(desk: AlpacaDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "LOOKS", 2)
    desk.order_entries()
    desk.open_day(10)
    desk.books.work()
    (fill,) = [each for each in desk.books.activities if each.type == "FILL"]
    desk.books.hidden.add(fill.id)
    desk.set_time(desk.now + WIDE + timedelta(days=1))
    desk.books.trade_outside("V", 5, 10)
    desk.step(2, trades=False)
    assert desk.account.fill_cursor == desk.books.activities[-1].id
    assert desk.trades() == []
    desk.books.hidden.clear()
    desk.step(3, trades=False)
    (trade,) = desk.trades()
    assert (trade.open_quantity, desk.states("entry")) == (100, [OrderState.FILLED])
    assert desk.on_sale() == [STOP]


def test_a_look_back_that_fails_holds_back_nothing_and_is_made_again(
    desk: AlpacaDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[bool] = []

    def read_trades(client: Client, after: datetime, *most: int) -> list[Row]:
        if most:
            looks.append(len(looks) >= 2)
            if not looks[-1]:
                raise OutcomeUnknown("timed out")
        return real_read_trades(client, after, *most)

    monkeypatch.setattr(broker_module, "LOOK_AGAIN", 0)
    monkeypatch.setattr("livetrading.brokers.alpaca.activities.read_trades", read_trades)
    desk.hold()
    assert (desk.on_sale(), desk.account.state) == (EXACT, "connected")
    desk.step()
    assert looks == [False, False, True]  # and not again for a while


# --- From outside ---


def test_fills_from_outside_cost_no_requests_of_their_own(desk: AlpacaDesk) -> None:
    for _ in range(150):
        desk.books.trade_outside("W", 1, 10)
        desk.books.trade_outside("V", 1, 10)
    assert requests_of_a_tick(desk) <= 10
    assert desk.account.fill_cursor == desk.books.activities[-1].id
    desk.set_time(desk.now + timedelta(hours=1))
    desk.books.trade_outside("V", 1, 10)
    desk.tick()
    assert requests_of_a_tick(desk) <= 6


def test_an_own_fill_among_those_from_outside_is_found_without_its_id(
    desk: AlpacaDesk, server: AlpacaServer
) -> None:
    """The answer to the entry is lost, so that Alpaca's ids of it and of its exits are not known."""
    server.script.add("lost_after", "POST")
    desk.order_entries()
    assert desk.states("entry") == [OrderState.UNKNOWN]
    desk.open_day(10)
    for _ in range(20):
        desk.books.trade_outside("W", 1, 10)
    desk.books.work()
    assert requests_of_a_tick(desk) <= 10
    assert desk.states("entry") == [OrderState.FILLED]
    desk.step(3)
    assert desk.on_sale() == EXACT


def test_open_orders_from_outside_cost_no_requests_of_their_own(desk: AlpacaDesk) -> None:
    for _ in range(20):
        desk.books.submit(
            {"symbol": "W", "side": "buy", "qty": "1", "type": "limit", "limit_price": "5", "time_in_force": "gtc"}
        )
    assert requests_of_a_tick(desk) <= 6
