"""Trailing stops at brokers that are not the simulation: the desk raises them after each closed bar."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import Capabilities
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import GUARDED, REPLACING, SEPARATE, VARIANTS
from tradedesk.accounts.models import User

# 100 shares bought at 10, the stop 10% below the highest price.
TRAILING: dict[str, Any] = {"stop_loss_pct": None, "trailing_stop_pct": 0.1, "take_profit_pct": None}


def held(monkeypatch: pytest.MonkeyPatch, user: User, capabilities: Capabilities, **rules: Any) -> SecondDesk:
    desk = second_desk(monkeypatch, user, capabilities, **(TRAILING | rules))
    desk.hold()
    return desk


def stops(desk: SecondDesk) -> list[tuple[str, Decimal, float]]:
    return [(kind, shares, float(price or 0)) for kind, shares, price in desk.on_sale()]


@pytest.mark.parametrize("name", ["separate", "replacing", "attached"])
def test_the_stop_at_the_broker_is_raised_after_a_bar_and_never_lowered(
    alice: User, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    desk = held(monkeypatch, alice, VARIANTS[name])
    assert stops(desk) == [("stop", 100, 9.0)]
    desk.broker.move("W", 12, 11.5)
    desk.step()
    assert stops(desk) == [("stop", 100, 9.0)], "the bar has not closed yet"
    desk.close_bar(10, 12, 9.5, 11.5)
    desk.step(4)
    assert stops(desk) == [("stop", 100, 10.8)]
    sent = len(desk.orders("trailing_stop"))
    desk.close_bar(11.5, 11.6, 11, 11.2)
    desk.step(2)
    assert (stops(desk), len(desk.orders("trailing_stop"))) == ([("stop", 100, 10.8)], sent)
    desk.broker.move("W", 10.7)
    desk.step(3)
    trade = desk.trade()
    assert (trade.exit_reason, trade.exit_price) == ("trailing_stop", Decimal("10.8"))
    assert (trade.initial_stop_price, trade.stop_price, trade.r_multiple) == (9, Decimal("10.8"), 0.8)
    assert (desk.broker.refused, desk.unfinished(), desk.incidents()) == ([], [], [])


def test_a_guarded_stop_is_compared_with_the_bars_after_it_was_raised(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = held(monkeypatch, alice, GUARDED)
    desk.close_bar(10, 12, 9.5, 11.5)  # its low is below the price that its high gives
    desk.step(2)
    assert (desk.states("trailing_stop"), desk.trade().stop_price) == (["guarded"], Decimal("10.8"))
    desk.close_bar(11.5, 13, 10.8, 12.5)
    desk.broker.jump("W", 12.5)
    desk.step(3)
    trade = desk.trade()
    assert (trade.exit_reason, trade.exit_price, trade.stop_price) == (
        "trailing_stop",
        Decimal("12.5"),
        Decimal("10.8"),
    )


@pytest.mark.parametrize("capabilities", [SEPARATE, GUARDED], ids=["separate", "guarded"])
def test_a_close_below_the_raised_stop_is_sold_at_the_market(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    """A broker takes no stop above the market."""
    desk = held(monkeypatch, alice, capabilities)
    desk.broker.move("W", 12, 10)
    desk.close_bar(10, 12, 9.5, 10)
    desk.step(5)
    trade = desk.trade()
    assert (trade.exit_reason, trade.exit_price, trade.stop_price) == ("trailing_stop", 10, Decimal("10.8"))
    assert (desk.broker.refused, desk.unfinished()) == ([], [])


@pytest.mark.each_value
@pytest.mark.parametrize(
    "rules", [TRAILING, {"stop_loss_pct": 0.1, "trailing_stop_pct": None}], ids=["trailing", "fixed"]
)
@pytest.mark.parametrize("capabilities", [SEPARATE, GUARDED], ids=["separate", "guarded"])
def test_bars_that_are_imported_again_after_a_split_sell_nothing(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, rules: dict[str, Any]
) -> None:
    desk = held(monkeypatch, alice, capabilities, **rules)
    desk.close_bar(10, 11, 9.9, 10.5)
    desk.step(3)
    stop = desk.trade().stop_price
    desk.rows = [(open_ / 2, high / 2, low / 2, close / 2) for open_, high, low, close in desk.rows]
    desk.close_bar(5.2, 5.3, 5.1, 5.2)
    desk.step(5)
    assert (desk.trade().is_open, desk.trade().stop_price, desk.orders("exit")) == (True, stop, [])
    assert desk.broker.shares["W"] == 100


def test_a_fixed_and_a_trailing_stop_are_one_order_at_the_higher_price(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = held(monkeypatch, alice, REPLACING, stop_loss_pct=0.05)
    assert stops(desk) == [("stop", 100, 9.5)]
    desk.broker.move("W", 9.4)
    desk.step(3)
    assert (desk.trade().exit_reason, desk.trade().exit_price) == ("stop_loss", Decimal("9.5"))


def test_a_lot_without_a_stop_has_no_order_for_one(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = held(monkeypatch, alice, REPLACING, trailing_stop_pct=None)
    desk.broker.move("W", 0.5)
    desk.step(2)
    assert (desk.on_sale(), desk.trade().is_open, desk.trade().r_multiple) == ([], True, None)
