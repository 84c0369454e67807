"""Sales at a broker that locks the shares of protective orders, and answers later: exits, stops and targets
meet."""

from decimal import Decimal

import pytest

from livetrading.brokers.protocol import Capabilities
from tests.livetrading.second_broker.desk import second_desk
from tests.livetrading.second_broker.variants import REPLACING, SEPARATE, VARIANTS
from tradedesk.accounts.models import User

AT_BROKER = [pytest.param(VARIANTS[name], id=name) for name in ("separate", "replacing", "attached")]
ALL = [*AT_BROKER, pytest.param(VARIANTS["guarded"], id="guarded")]
EXACT = [("limit", 100, Decimal(12)), ("stop", 100, Decimal(9))]


@pytest.mark.each_value
@pytest.mark.parametrize("capabilities", AT_BROKER)
@pytest.mark.parametrize(
    ("price", "sold", "other"),
    [
        pytest.param(8.5, "stop_loss", "take_profit", id="stop"),
        pytest.param(12.5, "take_profit", "stop_loss", id="target"),
    ],
)
def test_one_exit_closes_the_lot_and_the_other_is_cancelled(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, price: float, sold: str, other: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.broker.move("W", price)
    desk.step(3)
    trade = desk.trade()
    assert (trade.is_open, trade.exit_reason, trade.exit_price) == (False, sold, 9 if sold == "stop_loss" else 12)
    assert (desk.states(sold)[-1], desk.states(other)[-1]) == ("filled", "cancelled")
    assert (desk.on_sale(), desk.unfinished(), desk.incidents()) == ([], [], [])
    assert desk.broker.shares["W"] == 0


@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_a_stop_that_fills_in_parts_leaves_the_rest_protected(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.broker.largest_fill = Decimal(30)
    desk.broker.move("W", 8.9, 10)
    desk.step(4)
    assert desk.trade().open_quantity == 70
    assert desk.on_sale() == [("limit", 70, Decimal(12)), ("stop", 70, Decimal(9))]


@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_stop_and_target_both_fill_and_the_second_sale_is_set_aside(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    stop, target = desk.order("stop_loss"), desk.order("take_profit")
    desk.broker.fill(stop.client_order_id, 100, 9)
    desk.broker.fill(target.client_order_id, 100, 12)
    desk.broker.orders[target.client_order_id].state = "filled"
    desk.step(3)
    assert (desk.trade().exit_reason, desk.trade().exit_price, desk.trade().exit_quantity) == ("stop_loss", 9, 100)
    assert desk.broker.shares["W"] == -100
    assert desk.incidents()[:1] == ["unbooked_fill"]
    desk.wait(10)
    desk.step(2)
    assert set(desk.incidents()) == {"unbooked_fill", "position", "cash"}
    assert desk.unfinished() == []
    # Nothing else stops: the strategy buys again.
    desk.broker.shares["W"] = Decimal(0)
    desk.close_bar(10)
    desk.close_bar(11.5)
    desk.tick()
    desk.send()
    desk.open_day(10)
    desk.step(3)
    assert [order.state for order in desk.orders("entry")] == ["filled", "filled"]


@pytest.mark.parametrize("capabilities", ALL)
def test_an_exit_frees_its_shares_first(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    at_broker = bool(desk.on_sale())
    desk.signal_exit()
    if at_broker:
        assert desk.states("exit") == ["waiting"]
        assert (desk.states("stop_loss")[-1], desk.states("take_profit")[-1]) == ("cancel_pending",) * 2
        desk.step()
    assert desk.on_sale() == [("market", 100, None)]
    desk.step(2)
    trade = desk.trade()
    assert (trade.exit_reason, trade.exit_price, trade.is_open) == ("signal", Decimal("9.95"), False)
    assert (desk.unfinished(), desk.broker.refused, desk.incidents()) == ([], [], [])


@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_the_stop_fills_while_its_cancel_is_on_the_way(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.signal_exit()
    desk.broker.move("W", 8.8)
    desk.step(3)
    trade = desk.trade()
    assert (trade.exit_reason, trade.exit_price, trade.exit_quantity) == ("stop_loss", 9, 100)
    assert desk.states("exit") == ["cancelled"]
    assert (desk.unfinished(), desk.broker.shares["W"], desk.incidents()) == ([], 0, [])


@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_the_stop_fills_in_part_while_its_cancel_is_on_the_way(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.signal_exit()
    desk.broker.largest_fill = Decimal(30)
    desk.broker.move("W", 8.8)
    desk.step()
    assert desk.on_sale() == [("market", 70, None)]
    desk.step(4)
    assert (desk.trade().exit_quantity, desk.trade().is_open) == (100, False)
    assert (desk.unfinished(), desk.broker.shares["W"], desk.broker.refused) == ([], 0, [])


@pytest.mark.parametrize("capabilities", ALL)
def test_an_exit_of_a_partly_filled_entry_ends_the_entry_first(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.order_entry()
    desk.broker.largest_fill = Decimal(40)
    desk.open_day(10)
    desk.step(1)
    desk.broker.largest_fill = Decimal(0)
    desk.signal_exit()
    desk.broker.largest_fill = None
    desk.broker.jump("W", 9.95)
    desk.step(5)
    assert desk.trade().quantity == desk.trade().exit_quantity == desk.order("entry").filled_quantity
    assert (desk.unfinished(), desk.broker.shares["W"], desk.broker.refused) == ([], 0, [])


@pytest.mark.parametrize("capabilities", [SEPARATE, REPLACING], ids=["separate", "replacing"])
def test_a_lot_that_its_stop_has_sold_is_not_bought_further(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.order_entry()
    desk.broker.largest_fill = Decimal(40)
    desk.open_day(10)
    desk.step()
    desk.broker.largest_fill = Decimal(0)
    desk.step()
    desk.broker.fill(desk.order("stop_loss").client_order_id, 40, 9)
    desk.step(3)
    assert (desk.states("entry"), desk.unfinished(), desk.on_sale()) == (["cancelled"], [], [])
    assert desk.trade().exit_reason == "stop_loss"


def test_a_cancel_that_comes_too_late_is_one_truth(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of an entry is cancelled, and filled meanwhile: the exit sells all of it."""
    desk = second_desk(monkeypatch, alice, SEPARATE)
    entry = desk.order_entry()
    desk.broker.largest_fill = Decimal(40)
    desk.open_day(10)
    desk.step(1)
    desk.broker.largest_fill = Decimal(0)
    desk.signal_exit()
    assert desk.order("entry").state == "cancel_pending"
    desk.broker.fill(entry.client_order_id, 60, 9.95)
    desk.broker.largest_fill = None
    desk.step(4)
    assert (desk.states("entry"), desk.trade().exit_quantity) == (["filled"], 100)
    assert (desk.unfinished(), desk.broker.shares["W"], desk.incidents()) == ([], 0, [])
