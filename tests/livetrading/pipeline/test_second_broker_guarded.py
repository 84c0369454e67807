"""Protective exits that the desk guards, because the broker cannot hold them: a bar's low or high triggers
them."""

from decimal import Decimal

import pytest

from livetrading.brokers.protocol import Capabilities
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import GUARDED, REPLACING, SEPARATE
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Priority
from tradedesk.notifications.models import Notification

QUIET = (10, 10.5, 9.5, 10)  # the bar of the entry's day


def guarded_lot(monkeypatch: pytest.MonkeyPatch, user: User, capabilities: Capabilities) -> SecondDesk:
    """100 shares bought at 10; the stop at 9 and the target at 12 are guarded."""
    desk = second_desk(monkeypatch, user, capabilities)
    desk.hold()
    desk.close_bar(*QUIET)
    desk.step()
    return desk


@pytest.mark.parametrize(
    ("bar", "purpose", "idle"),
    [
        pytest.param((9.8, 9.8, 9, 9.6), "stop_loss", "take_profit", id="low"),
        pytest.param((10, 12, 9.8, 10), "take_profit", "stop_loss", id="high"),
        pytest.param((10, 12, 9, 10), "stop_loss", "take_profit", id="both: the worse one"),
    ],
)
def test_a_bar_that_touches_the_price_sells_the_lot_at_the_market_once(
    alice: User, monkeypatch: pytest.MonkeyPatch, bar: tuple[float, ...], purpose: str, idle: str
) -> None:
    desk = guarded_lot(monkeypatch, alice, GUARDED)
    assert desk.on_sale() == []
    assert {(o.holder, o.state, o.quantity) for o in (desk.order(purpose), desk.order(idle))} == {
        ("desk", "guarded", Decimal(100))
    }
    desk.close_bar(*bar)
    desk.broker.jump("W", bar[3])
    desk.tick()
    desk.send()
    assert desk.on_sale() == [("market", 100, None)]
    desk.step(3)
    assert (desk.states(purpose), desk.states(idle)) == (["filled"], ["cancelled"])
    trade = desk.trade()
    assert (trade.exit_reason, trade.exit_price, trade.is_open) == (purpose, Decimal(str(bar[3])), False)
    assert desk.broker.refused == []


def test_a_bar_that_stays_inside_sells_nothing(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = guarded_lot(monkeypatch, alice, GUARDED)
    desk.close_bar(10, 11.99, 9.01, 10)
    desk.step(2)
    assert desk.states("stop_loss") == desk.states("take_profit") == ["guarded"]


def test_the_bar_of_the_entry_itself_is_not_looked_at(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its low may be older than the entry."""
    desk = second_desk(monkeypatch, alice, GUARDED)
    desk.hold()
    desk.close_bar(10, 12.5, 8.5, 10)
    desk.step(2)
    assert desk.states("stop_loss") == desk.states("take_profit") == ["guarded"]


def test_parts_of_a_share_are_guarded_where_the_broker_takes_no_stop_for_them(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = second_desk(monkeypatch, alice, REPLACING, fractional=True)
    desk.hold()
    assert desk.trade().quantity == Decimal("100.454545")
    assert {o.holder for o in (*desk.orders("stop_loss"), *desk.orders("take_profit"))} == {"desk"}
    desk.close_bar(*QUIET)
    desk.close_bar(9.8, 9.8, 8.9, 9.6)
    desk.step(4)
    assert (desk.trade().is_open, desk.trade().exit_reason, desk.broker.shares["W"]) == (False, "stop_loss", 0)
    assert desk.broker.refused == []


@pytest.mark.parametrize("capabilities", [SEPARATE, REPLACING], ids=["separate", "replacing"])
def test_a_target_whose_shares_the_stop_has_locked_is_guarded_and_frees_them(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    """Where every sale locks its own shares, only one of the two can be at the broker."""
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.broker.locks_together = False
    desk.hold()
    desk.close_bar(*QUIET)
    desk.step()
    assert desk.on_sale() == [("stop", 100, Decimal(9))]
    assert [(o.holder, o.state) for o in desk.orders("take_profit")[-1:]] == [("desk", "guarded")]
    assert len(desk.broker.refused) == 1
    desk.close_bar(11, 12.5, 10, 10)
    desk.tick()
    desk.send()
    assert desk.order("stop_loss").state == "cancel_pending"
    assert desk.on_sale() == [("stop", 100, Decimal(9))]
    desk.step(4)
    assert desk.trade().exit_reason == "take_profit"
    assert desk.on_sale() == []
    assert len(desk.broker.refused) == 1


def test_the_stop_fills_while_it_is_cancelled_for_a_guarded_target(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.broker.locks_together = False
    desk.hold()
    desk.close_bar(*QUIET)
    desk.close_bar(11, 12.5, 10, 10)
    desk.tick()
    desk.send()
    desk.broker.move("W", 8.9)
    desk.step(3)
    assert (desk.trade().exit_reason, desk.trade().exit_price) == ("stop_loss", Decimal(9))
    assert desk.states("take_profit")[-1] == "cancelled"
    assert desk.unfinished() == []


def test_a_guarded_sale_that_is_refused_is_tried_again_after_a_while(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = guarded_lot(monkeypatch, alice, GUARDED)
    desk.close_bar(9.8, 9.8, 8.9, 9.6)
    desk.broker.sales_to_refuse = 2
    desk.step(4)
    assert len(desk.broker.refused) == 1
    desk.wait(300)
    desk.step(3)
    assert len(desk.broker.refused) == 2
    errors = Notification.objects.filter(user=alice, priority__gte=Priority.HIGH)
    assert errors.count() == 2
    assert desk.order("stop_loss").state == "guarded"
    desk.wait(300)
    desk.step(3)
    assert desk.trade().exit_reason == "stop_loss"
