"""Closing by hand at a broker that locks shares and answers later: all of a lot, and a part of it."""

from decimal import Decimal

import pytest

from livetrading.brokers.protocol import Capabilities
from livetrading.models import Order
from livetrading.services.closing import close_lot, close_position, close_strategy
from livetrading.services.halt import request
from livetrading.services.order_cancel import NotCancelled, cancel_order
from tests.livetrading.second_broker.desk import CASH, SecondDesk, second_desk
from tests.livetrading.second_broker.variants import SEPARATE, VARIANTS
from tradedesk.accounts.models import User

AT_BROKER = [pytest.param(VARIANTS[name], id=name) for name in ("separate", "replacing", "attached")]
ALL = [*AT_BROKER, pytest.param(VARIANTS["guarded"], id="guarded")]
REST = [("limit", 60, Decimal(12)), ("stop", 60, Decimal(9))]


def close(desk: SecondDesk, shares: int | None = None) -> list[Order]:
    quantity = None if shares is None else Decimal(shares)
    return close_position(desk.account, "W", quantity, by=desk.account.user, now=desk.now, wall_now=desk.wall)


@pytest.mark.parametrize("capabilities", ALL)
def test_a_part_is_sold_and_the_rest_stays_protected(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    at_broker = bool(desk.on_sale())
    close(desk, 40)
    desk.broker.move("W", 9.8)
    desk.step(5)
    trade = desk.trade()
    assert (trade.exit_quantity, trade.exit_price, trade.is_open) == (40, Decimal("9.8"), True)
    assert (trade.pnl, desk.broker.cash) == (-8, CASH - 1000 + 392)
    assert desk.on_sale() == (REST if at_broker else [])
    assert {desk.order("stop_loss").quantity, desk.order("take_profit").quantity} == {60}
    assert (desk.states("exit"), desk.broker.refused, desk.incidents()) == (["filled"], [], [])
    # The stop sells the rest, once.
    desk.broker.move("W", 8.9)
    desk.close_bar(9.8, 9.8, 8.9, 8.9)
    desk.step(4)
    assert (desk.trade().is_open, desk.trade().exit_quantity, desk.broker.shares["W"]) == (False, 100, 0)
    assert desk.unfinished() == []


@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_the_rest_is_protected_while_the_part_is_on_sale(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    close(desk, 40)
    desk.broker.largest_fill = Decimal(0)
    desk.step(4)
    assert desk.on_sale() == [REST[0], ("market", 40, None), REST[1]]
    desk.broker.largest_fill = Decimal(15)
    desk.step()
    assert (desk.trade().open_quantity, desk.on_sale()) == (85, [REST[0], ("market", 25, None), REST[1]])


@pytest.mark.each_value
@pytest.mark.parametrize("how", ["rejected", "expired"])
@pytest.mark.parametrize("capabilities", ALL)
def test_a_part_that_was_not_sold_is_tried_again(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, how: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    at_broker = bool(desk.on_sale())
    desk.broker.reject_next = ["market"] if how == "rejected" else []
    desk.broker.largest_fill = Decimal(0)
    close(desk, 40)
    desk.step(3)
    if how == "expired":
        desk.broker.end_day()
    desk.broker.largest_fill = None
    desk.step(6)
    assert (desk.states("exit"), desk.trade().open_quantity) == ([how, "filled"], 60)
    assert (desk.on_sale(), desk.broker.refused) == (REST if at_broker else [], [])


@pytest.mark.parametrize("capabilities", ALL)
def test_all_of_the_lot_is_protected_again_when_the_sale_of_a_part_is_cancelled(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    before = desk.on_sale()
    desk.broker.largest_fill = Decimal(0)
    close(desk, 40)
    desk.step(3)
    cancel_order(desk.order("exit"), by=alice, wall_now=desk.wall)
    desk.tick()
    desk.broker.answer()
    desk.broker.largest_fill = None
    desk.step(4)
    assert (desk.states("exit"), desk.on_sale()) == (["cancelled"], before)
    assert {desk.order("stop_loss").quantity, desk.order("take_profit").quantity} == {100}


@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_the_stop_fills_while_its_shares_are_being_freed(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    """The stop of all shares was faster: nothing is left to sell."""
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    close(desk, 40)
    desk.tick()
    desk.broker.move("W", 8.8)
    desk.step(4)
    trade = desk.trade()
    assert (trade.exit_quantity, trade.exit_reason) == (100, "stop_loss")
    assert (desk.states("exit"), desk.unfinished(), desk.broker.shares["W"]) == (["cancelled"], [], 0)


@pytest.mark.each_value
@pytest.mark.parametrize("then", ["close", "flatten", "signal"])
@pytest.mark.parametrize("capabilities", ALL)
def test_what_sells_the_whole_lot_takes_over_the_sale_of_a_part(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, then: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.broker.largest_fill = Decimal(0)
    close(desk, 40)
    desk.step(3)
    if then == "close":
        close(desk)
    elif then == "flatten":
        request(desk.account, "flatten", by="alice", now=desk.now, wall_now=desk.wall)
    else:
        desk.signal_exit()
    desk.step()
    desk.broker.largest_fill = None
    desk.step(5)
    assert desk.states("exit")[-1] == "filled"
    assert (desk.trade().exit_quantity, desk.unfinished(), desk.broker.shares["W"]) == (100, [], 0)
    assert desk.incidents() == []


@pytest.mark.parametrize("capabilities", ALL)
def test_closing_a_strategy_sells_all_of_its_lot(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    entry = desk.hold()
    first = close_strategy(desk.live, by=alice, now=desk.now, wall_now=desk.wall)
    again = close_lot(desk.account, entry.pk, None, by=alice, now=desk.now, wall_now=desk.wall)
    assert [order.pk for order in first] == [order.pk for order in again]
    desk.step(4)
    assert (desk.trade().exit_reason, desk.states("exit"), desk.unfinished()) == ("manual", ["filled"], [])


def test_a_lot_that_is_still_being_bought_is_ended_first(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.order_entry()
    desk.broker.largest_fill = Decimal(40)
    desk.open_day(10)
    desk.step()
    desk.broker.largest_fill = Decimal(0)
    close(desk, 10)
    desk.step(2)
    desk.broker.largest_fill = None
    desk.step(4)
    bought = desk.order("entry").filled_quantity
    assert (desk.states("entry"), desk.trade().open_quantity) == (["cancelled"], bought - 10)
    assert desk.on_sale() == [("limit", bought - 10, Decimal(12)), ("stop", bought - 10, Decimal(9))]


@pytest.mark.parametrize("capabilities", ALL)
def test_a_cancelled_entry_that_fills_meanwhile_is_held_and_protected(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    entry = desk.order_entry()
    desk.broker.answer()
    assert cancel_order(entry, by=alice, wall_now=desk.wall).state == "cancel_pending"
    assert cancel_order(entry, by=alice, wall_now=desk.wall).state == "cancel_pending"
    desk.tick()
    desk.broker.fill(entry.client_order_id, 100, 10)
    desk.broker.jump("W", 10)
    desk.step(4)
    assert (desk.states("entry"), desk.trade().open_quantity) == (["filled"], 100)
    with pytest.raises(NotCancelled, match="already filled"):
        cancel_order(entry, by=alice, wall_now=desk.wall)
