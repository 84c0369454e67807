"""Protective exits at a broker that is not the simulation: where they are kept, and their prices and
quantities."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from livetrading.brokers.protocol import Capabilities
from livetrading.models import Order
from livetrading.pipeline.expiry import UNPROTECTED
from livetrading.pipeline.protect import protect
from tests.livetrading.made_bars import CLOSES
from tests.livetrading.second_broker.desk import second_desk
from tests.livetrading.second_broker.variants import ATTACHED, GUARDED, REPLACING, VARIANTS
from tradedesk.accounts.models import Mode, User
from tradedesk.notifications.events import Priority
from tradedesk.notifications.models import Notification

AT_BROKER = [pytest.param(VARIANTS[name], id=name) for name in ("separate", "replacing", "attached")]
RESIZED = AT_BROKER[:2]
EXACT = [("limit", 100, Decimal(12)), ("stop", 100, Decimal(9))]


@pytest.mark.each_value
@pytest.mark.parametrize("mode", [Mode.PAPER, Mode.LIVE])
@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_a_filled_entry_gets_its_exits_at_exact_prices(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, mode: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities, mode)
    desk.hold()
    assert desk.on_sale() == EXACT
    trade = desk.trade()
    assert (trade.quantity, trade.entry_price, trade.stop_price, trade.target_price) == (100, 10, 9, 12)
    assert desk.broker.refused == []


@pytest.mark.parametrize("capabilities", RESIZED)
def test_exits_follow_every_part_of_an_entry(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.order_entry()
    desk.broker.largest_fill = Decimal(40)
    for price, held, stop, target in [(10, 40, 9, 12), (10.3, 80, 9.14, 12.18), (10.6, 100, 9.22, 12.29)]:
        desk.open_day(price)
        desk.step()
        desk.broker.largest_fill = Decimal(0)
        desk.step(3)
        desk.broker.largest_fill = Decimal(40)
        assert [(kind, left, float(at or 0)) for kind, left, at in desk.on_sale()] == [
            ("limit", held, target),
            ("stop", held, stop),
        ]
    assert desk.broker.refused == []


@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_a_price_that_the_broker_rounds_is_sent_once(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.order_entry()
    desk.open_day(10.01)
    desk.step(5)
    assert desk.trade().stop_price == Decimal("9.009")
    assert [price for _, _, price in desk.on_sale()] == [Decimal("12.01"), Decimal("9.01")]
    sent = list(desk.broker.received)
    desk.step(3)
    assert desk.broker.received == sent


def test_attached_exits_travel_at_provisional_prices_and_are_replaced(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = second_desk(monkeypatch, alice, ATTACHED)
    entry = desk.order_entry()
    assert desk.broker.orders[f"{entry.client_order_id}-stop"].state == "held"
    assert desk.on_sale() == [("limit", 100, Decimal("15.18")), ("stop", 100, Decimal("8.42"))]
    desk.open_day(10)
    desk.step(3)
    assert desk.on_sale() == EXACT
    for purpose in ("stop_loss", "take_profit"):
        first, exact = desk.orders(purpose)
        assert (first.holder, first.state, exact.holder, exact.state) == (
            "attached",
            "cancelled",
            "broker",
            "accepted",
        )
        assert exact.replaces == first


def test_attached_exits_of_a_partly_filled_entry_wait_and_the_desk_guards_the_shares(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bar of a minute strategy would show it sooner; here the day's bar does, after the entry."""
    monkeypatch.setattr("livetrading.pipeline.expiry.UNPROTECTED", timedelta(days=9))
    desk = second_desk(monkeypatch, alice, ATTACHED)
    entry = desk.order_entry()
    Order.objects.filter(pk=entry.pk).update(valid_until=CLOSES[9])
    desk.broker.largest_fill = Decimal(40)
    desk.open_day(10)
    desk.step()
    desk.broker.largest_fill = Decimal(0)
    desk.step(2)
    assert {placed.state for placed in desk.broker.open_of(entry.client_order_id)} == {"held"}
    assert not [method for method, _ in desk.broker.received if method != "submit"]
    desk.close_bar(10, 10.5, 9.5, 10)
    desk.step()
    assert desk.order("entry").state == "partially_filled"
    desk.close_bar(10, 10, 8.9, 9.6)
    desk.broker.jump("W", 9.6)
    desk.step(5)  # one exit is replaced after the other
    assert desk.order("entry").state == "cancelled"
    assert desk.on_sale() == [("limit", 40, Decimal(12)), ("stop", 40, Decimal(9))]


@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_the_rest_of_an_entry_does_not_keep_its_shares_unprotected(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    """Trading is halted after a first fill."""
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.order_entry()
    desk.broker.largest_fill = Decimal(40)
    desk.open_day(10)
    desk.step()
    desk.broker.largest_fill = Decimal(0)
    desk.step(2)
    assert desk.states("entry") == ["partially_filled"]
    desk.set_time(desk.now + UNPROTECTED)
    desk.step(6)
    # Exits of their own protect every fill at once.
    waits = not capabilities.attached_exits_at_price
    assert desk.states("entry") == ["partially_filled" if waits else "cancelled"]
    assert desk.on_sale() == [("limit", 40, Decimal(12)), ("stop", 40, Decimal(9))]


@pytest.mark.each_value
@pytest.mark.parametrize("survive", [True, False])
@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_exits_cover_what_an_entry_bought_before_it_ended(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, survive: bool
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.broker.legs_survive = survive
    desk.order_entry()
    desk.broker.largest_fill = Decimal(40)
    desk.open_day(10)
    desk.step()
    desk.broker.end_day()
    desk.step(4)
    assert desk.order("entry").state == "expired"
    assert desk.on_sale() == [("limit", 40, Decimal(12)), ("stop", 40, Decimal(9))]
    assert desk.incidents() == []


@pytest.mark.parametrize("capabilities", [*AT_BROKER, pytest.param(GUARDED, id="guarded")])
def test_an_entry_that_ends_without_a_fill_ends_its_exits(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.order_entry()
    desk.broker.end_day()
    desk.step(2)
    assert desk.states("entry") == ["expired"]
    assert desk.states("stop_loss") == desk.states("take_profit") == ["cancelled"]
    assert desk.on_sale() == []
    assert desk.incidents() == []


@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_protection_that_expires_is_placed_again(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    for _ in range(2):
        desk.broker.end_day(all_orders=True)
        assert desk.on_sale() == []
        desk.step(2)
        assert desk.on_sale() == EXACT
    assert desk.states("stop_loss").count("expired") == 2


@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_an_exit_that_the_broker_rejects_is_guarded_and_said(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.broker.end_day(all_orders=True)
    desk.broker.reject_next = ["stop"]
    desk.step(4)
    assert desk.on_sale() == EXACT[:1]
    stop = desk.order("stop_loss")
    assert (stop.state, stop.holder, stop.stop_price) == ("guarded", "desk", 9)
    said = Notification.objects.filter(user=alice, priority__gte=Priority.HIGH)
    assert [each.text.endswith("The desk guards this exit itself.") for each in said] == [True]


def test_a_larger_replacement_that_is_refused_twice_is_a_cancel_and_a_new_order(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = second_desk(monkeypatch, alice, REPLACING)
    desk.order_entry()
    desk.broker.largest_fill = Decimal(40)
    desk.open_day(10)
    desk.step(2)
    desk.broker.largest_fill = Decimal(0)
    desk.broker.reject_next = ["stop", "stop"]
    for _ in range(3):
        desk.step()
        assert 40 in [left for kind, left, _ in desk.on_sale() if kind == "stop"]  # better than none
    desk.step(5)
    replaced = [order for order in desk.orders("stop_loss") if order.replaces]
    assert [order.state for order in replaced] == ["rejected", "rejected"]
    assert {order.holder for order in desk.orders("stop_loss")} == {"broker"}
    assert desk.on_sale() == [("limit", 80, Decimal(12)), ("stop", 80, Decimal(9))]
    assert not Notification.objects.filter(user=alice, priority__gte=Priority.HIGH).exists()


def test_attached_exits_that_the_broker_has_lost_are_placed_on_their_own(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = second_desk(monkeypatch, alice, ATTACHED)
    entry = desk.order_entry()
    for leg in desk.broker.open_of(entry.client_order_id):
        del desk.broker.orders[leg.request.client_order_id]
    desk.open_day(10)
    desk.step(4)
    assert desk.on_sale() == EXACT
    assert desk.states("stop_loss") == desk.states("take_profit") == ["cancelled", "accepted"]


def test_protection_takes_three_queries_when_nothing_has_to_change(
    alice: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    desk = second_desk(monkeypatch, alice, REPLACING)
    desk.hold()
    working = {order.client_order_id: order for order in desk.broker.open_orders()}
    with django_assert_num_queries(3):
        assert protect(desk.account, REPLACING, working, desk.now, desk.wall) == []
