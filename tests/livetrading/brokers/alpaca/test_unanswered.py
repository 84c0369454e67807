"""One answer that fails, or that cannot be read, ends nothing else: fills, protection and exits go on."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from livetrading.models import BrokerAccount, OrderState
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tests.livetrading.brokers.alpaca.test_pipeline import EXACT, sell
from tradedesk.accounts.models import User

OTHERS = "^/v2/account/activities$"


@pytest.fixture
def desk(server: AlpacaServer, alice: User, settings: Any) -> AlpacaDesk:
    made = alpaca_desk(server, alice, settings)
    made.deploy()
    return made


def sold(desk: AlpacaDesk) -> None:
    """A signal exit goes out and fills."""
    sell(desk)
    desk.step(3, trades=False)
    desk.open_day(9.8)
    desk.step(3)
    (trade,) = desk.trades()
    assert (trade.open_quantity, desk.on_sale(), desk.unfinished()) == (0, [], [])


@pytest.mark.parametrize("status", [500, 403])
def test_without_the_other_activities_lots_are_protected_and_sold(
    desk: AlpacaDesk, server: AlpacaServer, status: int
) -> None:
    desk.tick()
    server.script.add("error_before", "GET", OTHERS, times=None, status=status, message="not now")
    desk.books.charge("0.37")
    desk.hold()
    assert desk.on_sale() == EXACT
    account = desk.account
    assert (account.state, "not now" in account.state_reason) == (BrokerAccount.State.DEGRADED, True)
    assert account.failures > 0
    sold(desk)
    server.script.clear()
    desk.step()
    account = desk.account
    assert (account.state, account.state_reason, account.failures) == (BrokerAccount.State.CONNECTED, "", 0)
    desk.check_settled()


def test_the_row_of_a_fee_that_cannot_be_read_holds_back_no_other_one(desk: AlpacaDesk) -> None:
    desk.tick()
    odd = desk.books.charge("0.37")
    odd.answer["net_amount"] = "a few cents"
    desk.books.charge("0.20")
    desk.hold()
    assert list(desk.account.activities.values_list("amount", flat=True)) == [Decimal("-0.20")]
    assert desk.on_sale() == EXACT
    # It is read again, and booked when it can be.
    odd.answer["net_amount"] = "-0.37"
    desk.step()
    desk.check_settled()


@pytest.mark.parametrize("name", ["id", "price", "qty", "transaction_time", "order_id"])
def test_a_fill_that_cannot_be_read_holds_back_no_other_one(desk: AlpacaDesk, name: str) -> None:
    desk.books.trade_outside("W", 5, 10)
    answer = dict(desk.books.activities[-1].answer)
    del answer[name]
    desk.books.activities[-1] = replace(desk.books.activities[-1], answer=answer)
    desk.hold()
    assert desk.on_sale() == EXACT
    sold(desk)


def test_an_order_from_outside_that_cannot_be_asked_for_holds_back_no_fill(
    desk: AlpacaDesk, server: AlpacaServer
) -> None:
    outside = desk.books.trade_outside("W", 5, 10)
    server.script.add("error_before", "GET", outside.id, times=None, status=500)
    server.script.add("error_before", "GET", "^/v2/orders$", times=1, status=500)
    desk.hold()
    assert desk.states("entry") == [OrderState.FILLED]
    assert desk.on_sale() == EXACT
