"""A desk is restored from a backup: what was sold since then is not sold again, and the exits at Alpaca stay."""

from typing import Any

import pytest

from livetrading.models import Halt, OrderState
from livetrading.services.halt import COMMAND, lift, request
from livetrading.services.restored import hold_back, sells_nothing
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.desk import AlpacaDesk, alpaca_desk
from tradedesk.accounts.models import User

EXITS = ["limit", "stop"]


@pytest.fixture
def desk(server: AlpacaServer, alice: User, settings: Any) -> AlpacaDesk:
    """100 shares with their exits at Alpaca, which sells short where it is asked to."""
    made = alpaca_desk(server, alice, settings)
    made.books.shorting_enabled, made.books.multiplier = True, 2
    made.deploy()
    made.hold()
    return made


def restore(desk: AlpacaDesk) -> None:
    hold_back(desk.wall, desk.wall)
    desk.step()


def test_what_was_sold_since_the_backup_is_not_sold_again(desk: AlpacaDesk) -> None:
    desk.books.liquidate()
    restore(desk)
    # Its exits are gone at Alpaca, and its price falls through the stop.
    desk.close_bar(8)
    desk.open_day(8)
    desk.step(6)
    assert desk.on_sale() == []
    assert all(held.qty >= 0 for held in desk.books.holdings.values())
    assert sells_nothing(desk.account)


def test_what_is_held_keeps_its_exits_and_is_sold_once_an_operator_has_compared(desk: AlpacaDesk) -> None:
    now = desk.now
    request(desk.account, Halt.Action.FLATTEN, by=COMMAND, now=now, wall_now=desk.wall)
    restore(desk)
    desk.step(3)
    assert [kind for kind, *_ in desk.on_sale()] == EXITS
    assert desk.account.halts.get().error
    lift(desk.account, "RESUME", by=COMMAND, now=desk.now, wall_now=desk.wall)
    request(desk.account, Halt.Action.FLATTEN, by=COMMAND, now=desk.now, wall_now=desk.wall)
    desk.step(6)
    (trade,) = desk.trades()
    assert trade.open_quantity == 0
    desk.check_settled()


def test_an_exit_that_was_on_its_way_waits_and_its_shares_are_not_freed(desk: AlpacaDesk) -> None:
    (stop,) = [order for order in desk.orders("stop_loss") if order.state == OrderState.ACCEPTED]
    type(stop).objects.filter(pk=stop.pk).update(state=OrderState.CANCEL_PENDING)
    restore(desk)
    desk.step(3)
    assert [kind for kind, *_ in desk.on_sale()] == EXITS
