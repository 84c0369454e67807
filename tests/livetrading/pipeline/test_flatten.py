"""Halts at a broker that locks shares and answers later, with every way of protection."""

from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import Capabilities
from livetrading.models import BrokerAccount, Halt, LiveStrategy, Order
from livetrading.services import halt as halts
from tests.livetrading.second_broker.desk import CASH, SecondDesk, second_desk
from tests.livetrading.second_broker.variants import SEPARATE, VARIANTS
from tradedesk.accounts.models import User

ALL = [pytest.param(VARIANTS[name], id=name) for name in VARIANTS]
TWO = [pytest.param(VARIANTS[name], id=name) for name in ("separate", "guarded")]


def halt(desk: SecondDesk, action: str, reason: str = "") -> Halt:
    return halts.request(desk.account, action, by="alice", reason=reason, now=desk.now, wall_now=desk.wall)


def progress(made: Halt) -> tuple[int, int, int, int, bool]:
    made.refresh_from_db()
    return (
        made.orders_cancelled,
        made.orders_to_cancel,
        made.lots_sold,
        made.lots_to_sell,
        made.finished_at is not None,
    )


@pytest.mark.parametrize("capabilities", ALL)
def test_a_lot_is_sold_to_the_cent_after_its_protection_is_freed(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    made = halt(desk, "flatten")
    assert progress(made) == (0, 0, 0, 1, False)
    desk.broker.move("W", 9.75)
    desk.step(4)
    trade = desk.trade()
    assert (trade.exit_reason, trade.exit_price, trade.exit_quantity) == ("manual", Decimal("9.75"), 100)
    assert desk.broker.cash == CASH - 25
    assert progress(made) == (0, 0, 1, 1, True)
    assert (desk.unfinished(), desk.on_sale(), desk.broker.refused, desk.incidents()) == ([], [], [], [])


@pytest.mark.parametrize("capabilities", ALL)
def test_an_entry_at_the_broker_is_cancelled_with_its_exits(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.order_entry()
    desk.broker.answer()
    made = halt(desk, "orders")
    assert progress(made) == (0, 1, 0, 0, False)
    desk.tick()
    assert desk.order("entry").state == "cancel_pending"
    desk.broker.answer()
    desk.tick()
    assert (desk.order("entry").state, progress(made)) == ("cancelled", (1, 1, 0, 0, True))
    desk.step(2)
    assert (desk.unfinished(), desk.broker.shares) == ([], {})


def test_an_entry_at_the_desk_is_cancelled_there(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    for price in (10, 10, 11):
        desk.close_bar(price)
    desk.tick()
    made = halt(desk, "orders")
    desk.tick()
    assert (desk.order("entry").state, desk.broker.received) == ("cancelled", [])
    assert progress(made) == (1, 1, 0, 0, True)
    desk.send()  # its message arrives late
    assert desk.broker.received == []
    assert desk.unfinished() == []


@pytest.mark.each_value
@pytest.mark.parametrize("action", ["entries", "orders"])
@pytest.mark.parametrize("capabilities", ALL)
def test_protection_stays_unless_the_account_is_flattened(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, action: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    before = desk.on_sale()
    made = halt(desk, action)
    desk.step(3)
    assert (desk.on_sale(), desk.trade().is_open, progress(made)[4]) == (before, True, True)
    desk.signal_exit()  # a signal to sell goes out
    desk.step(4)
    assert (desk.trade().exit_reason, desk.unfinished()) == ("signal", [])


@pytest.mark.parametrize("action", list(Halt.Action))
def test_no_entry_while_halted_and_one_after_it_is_lifted(
    alice: User, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    halt(desk, action)
    for price in (10, 10, 11):
        desk.close_bar(price)
        desk.step()
    assert desk.orders("entry") == []
    assert halts.lift(desk.account, "RESUME", by="alice", now=desk.now, wall_now=desk.wall)
    desk.close_bar(12)
    desk.step()
    assert len(desk.orders("entry")) == 1


@pytest.mark.parametrize("capabilities", ALL)
def test_an_entry_that_fills_during_its_cancellation_is_sold_too(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    entry = desk.order_entry()
    desk.broker.answer()
    made = halt(desk, "flatten")
    desk.tick()
    assert (desk.order("entry").state, progress(made)) == ("cancel_pending", (0, 1, 0, 0, False))
    desk.broker.fill(entry.client_order_id, 100, 10)
    desk.broker.jump("W", 9.95)
    desk.step(5)
    assert (desk.trade().exit_reason, desk.trade().exit_quantity) == ("manual", 100)
    assert progress(made) == (1, 1, 1, 1, True)
    assert (desk.unfinished(), desk.broker.shares["W"], desk.broker.cash) == ([], 0, CASH - 5)


def test_a_partly_filled_entry_is_ended_and_its_shares_are_sold(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.order_entry()
    desk.broker.largest_fill = Decimal(40)
    desk.open_day(10)
    desk.step()
    made = halt(desk, "flatten")
    desk.broker.largest_fill = None
    desk.step(5)
    assert desk.trade().exit_quantity == desk.order("entry").filled_quantity
    assert (desk.unfinished(), desk.broker.shares["W"], progress(made)) == ([], 0, (1, 1, 1, 1, True))


@pytest.mark.each_value
@pytest.mark.parametrize("losing", ["submit", "cancel"])
@pytest.mark.parametrize("lost", ["before", "after"])
@pytest.mark.parametrize("capabilities", TWO)
def test_lost_answers_delay_it_and_sell_nothing_twice(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, losing: str, lost: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    made = halt(desk, "flatten")
    desk.broker.losses[losing] = [lost, lost]
    desk.step(12)
    assert (progress(made)[2:], desk.unfinished(), desk.broker.shares["W"]) == ((1, 1, True), [], 0)
    assert sum(fill.quantity for fill in desk.broker.fills) == 200


@pytest.mark.each_value
@pytest.mark.parametrize("how", ["refused", "rejected"])
@pytest.mark.parametrize("capabilities", TWO)
def test_a_sale_that_fails_is_tried_again_and_the_halt_says_why(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, how: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.broker.sales_to_refuse = 2 if how == "refused" else 0
    desk.broker.reject_next = ["market"] * 2 if how == "rejected" else []
    made = halt(desk, "flatten")
    for _ in range(9):
        desk.step()
        if desk.states("exit") == ["rejected", "rejected"]:
            break
    desk.tick()
    made.refresh_from_db()
    assert (made.error.startswith("The sale of W was rejected"), made.finished_at) == (True, None)
    desk.step(12)
    assert (desk.states("exit"), desk.unfinished()) == (["rejected", "rejected", "filled"], [])
    made.refresh_from_db()
    assert (made.error, made.lots_sold, desk.broker.shares["W"]) == ("", 1, 0)


def test_a_sale_that_expires_is_tried_again(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.hold()
    desk.broker.largest_fill = Decimal(0)
    made = halt(desk, "flatten")
    desk.step(3)
    desk.broker.end_day()
    desk.broker.largest_fill = None
    desk.step(5)
    assert (desk.states("exit"), progress(made)[2:]) == (["expired", "filled"], (1, 1, True))


def test_a_signal_exit_on_its_way_is_left_to_sell_the_lot(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.hold()
    desk.signal_exit()
    made = halt(desk, "flatten")
    desk.step(4)
    assert (desk.states("exit"), desk.trade().exit_reason, progress(made)[4]) == (["filled"], "signal", True)


@pytest.mark.parametrize("owner", ["paused", "stopped", "deleted"])
def test_lots_of_every_strategy_and_of_none_are_sold(
    alice: User, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.hold()
    if owner == "deleted":
        desk.live.delete()
    else:
        LiveStrategy.objects.update(status=owner)
    halt(desk, "flatten")
    desk.step(4)
    assert (desk.trade().is_open, desk.unfinished()) == (False, [])


def test_a_lifted_halt_does_nothing_more_and_what_is_on_its_way_stays(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = second_desk(monkeypatch, alice, VARIANTS["guarded"])
    desk.hold()
    desk.broker.largest_fill = Decimal(60)
    made = halt(desk, "flatten")
    desk.step()
    halts.lift(desk.account, "RESUME", by="bob", now=desk.now, wall_now=desk.wall)
    desk.broker.largest_fill = None
    desk.step(3)
    made.refresh_from_db()
    assert (made.finished_at, made.lifted_by, made.is_unfinished) == (None, "bob", False)
    assert (desk.trade().is_open, desk.states("exit")) == (False, ["filled"])


@pytest.mark.each_value
@pytest.mark.parametrize("capabilities", TWO)
@pytest.mark.parametrize(
    "at", ["manual_exit", "advance", "Order.objects.bulk_create", "request_cancels", "protect"]
)
def test_it_goes_on_after_a_crash_at_any_step(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, at: str
) -> None:
    """The worker dies once at each step; nothing is half written, and the next tick continues."""
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    made = halt(desk, "flatten")
    with pytest.MonkeyPatch.context() as patch:
        _crash(patch, at)
        desk.tick()
    assert Order.objects.filter(purpose="exit").count() == (1 if at in ("request_cancels", "protect") else 0)
    desk.step(5)
    assert (progress(made)[2:], desk.unfinished(), desk.broker.shares["W"]) == ((1, 1, True), [], 0)
    assert desk.broker.cash == CASH


def _crash(patch: pytest.MonkeyPatch, at: str) -> None:
    from livetrading.pipeline import flatten, tick

    def die(*_: Any, **__: Any) -> None:
        raise RuntimeError("The worker was killed.")

    if at == "Order.objects.bulk_create":
        patch.setattr(Order.objects, "bulk_create", die)
    else:
        patch.setattr(tick if at in ("request_cancels", "protect") else flatten, at, die)


def test_records_that_were_emptied_are_left_alone(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from livetrading.pipeline.flatten import flatten

    desk = second_desk(monkeypatch, alice, SEPARATE)
    desk.hold()
    made = halt(desk, "flatten")
    known = BrokerAccount.objects.get(pk=desk.account.pk)
    BrokerAccount.objects.update(epoch=2)
    assert flatten(known, SEPARATE, desk.now, desk.wall) == []
    assert (Order.objects.filter(purpose="exit").exists(), progress(made)[4]) == (False, False)
