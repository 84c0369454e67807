"""Lost answers of a broker: nothing is sent twice and nothing is lost, whether the request took effect or not."""

from collections import Counter
from decimal import Decimal

import pytest

from livetrading.brokers.protocol import Capabilities
from livetrading.models import Order, OrderState
from livetrading.pipeline import requeue
from livetrading.pipeline.absence import LOOKS
from tests.livetrading.made_bars import CLOSES
from tests.livetrading.second_broker.desk import SecondDesk, second_desk
from tests.livetrading.second_broker.variants import REPLACING, VARIANTS
from tradedesk.accounts.models import User

AT_BROKER = [pytest.param(VARIANTS[name], id=name) for name in ("separate", "replacing", "attached")]
ALL = [*AT_BROKER, pytest.param(VARIANTS["guarded"], id="guarded")]
# What the broker says to the cancellation of an order that may still be on its way.
NOT_THERE = "There is no such order."
EXACT = [("limit", 100, Decimal(12)), ("stop", 100, Decimal(9))]
lost = pytest.mark.parametrize("lost", ["before", "after"])


def placed_once(desk: SecondDesk) -> bool:
    """Whether the broker's own book has each intent once: one entry, and one open order for each exit of the
    lot."""
    entries = [order for order in desk.broker.orders.values() if order.request.side == "buy"]
    kinds = Counter(order.request.type for order in desk.broker.open_of(entries[0].request.client_order_id))
    return len(entries) == 1 and max(kinds.values(), default=1) == 1


@pytest.mark.each_value
@lost
@pytest.mark.parametrize("capabilities", ALL)
def test_the_answer_to_an_entry_is_lost(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, lost: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.broker.losses = {"submit": [lost]}
    desk.order_entry()
    assert desk.states("entry") == ["unknown"]
    desk.open_day(10)
    desk.step(8)  # one exit is replaced after the other
    assert (desk.states("entry"), desk.trade().quantity, placed_once(desk)) == (["filled"], 100, True)
    assert desk.order("entry").attempts == (2 if lost == "before" else 1)


@pytest.mark.each_value
@lost
@pytest.mark.parametrize("capabilities", AT_BROKER[:2])
def test_the_answers_to_protective_orders_are_lost(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, lost: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.broker.losses = {"submit": ["", lost, lost, lost]}
    desk.hold()
    desk.step(3)
    assert (desk.on_sale(), placed_once(desk)) == (EXACT, True)
    assert desk.states("stop_loss") == desk.states("take_profit") == ["accepted"]


@pytest.mark.each_value
@lost
@pytest.mark.parametrize("capabilities", ALL)
def test_the_answer_to_an_exit_is_lost(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, lost: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.broker.losses = {"submit": [lost]}
    desk.signal_exit()
    desk.step(5)
    assert (desk.trade().exit_reason, desk.states("exit")) == ("signal", ["filled"])
    sales = [order for order in desk.broker.orders.values() if order.request.type == "market"]
    assert len(sales) == 2  # the entry and the exit
    assert (desk.unfinished(), desk.broker.shares["W"]) == ([], 0)


@lost
def test_the_answers_to_replacements_are_lost(alice: User, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    desk = second_desk(monkeypatch, alice, VARIANTS["attached"])
    desk.broker.losses = {"replace": [lost, lost]}
    desk.hold()
    desk.step(8)  # one exit is replaced after the other
    assert (desk.on_sale(), placed_once(desk)) == (EXACT, True)
    assert desk.states("stop_loss") == desk.states("take_profit") == ["cancelled", "accepted"]
    assert desk.broker.refused == []


@pytest.mark.each_value
@lost
@pytest.mark.parametrize("capabilities", AT_BROKER)
def test_the_answers_to_cancels_are_lost(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, lost: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.broker.losses = {"cancel": [lost] * 3}
    desk.signal_exit()
    desk.step(5)
    assert (desk.trade().exit_reason, desk.unfinished(), desk.broker.shares["W"]) == ("signal", [], 0)


@lost
def test_an_exit_waits_for_a_replacement_without_an_answer(
    alice: User, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """The lot is sold while the broker may be replacing its stop: the shares are free only once that is known."""
    desk = second_desk(monkeypatch, alice, VARIANTS["attached"])
    desk.order_entry()
    desk.open_day(10)
    desk.broker.work()
    desk.broker.losses = {"replace": [lost, lost]}
    desk.step()
    assert desk.states("stop_loss") == ["accepted", "unknown"]
    desk.rows.append((10, 10, 9.98, 9.98))
    desk.close_bar(9.95)
    desk.broker.jump("W", 9.95)
    desk.tick()
    desk.send()
    assert desk.states("exit") == ["waiting"]
    desk.step(LOOKS + 4)
    assert (desk.trade().exit_reason, desk.unfinished(), desk.broker.shares["W"]) == ("signal", [], 0)
    assert set(desk.broker.refused) <= {NOT_THERE}


@pytest.mark.each_value
@pytest.mark.parametrize("method", ["fills_since", "open_orders", "order_by_client_id"])
@pytest.mark.parametrize("capabilities", ALL)
def test_a_broker_that_does_not_answer_for_a_while(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities, method: str
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.order_entry()
    desk.open_day(10)
    desk.broker.losses = {method: ["before"] * 2}
    desk.step(8)
    assert (desk.states("entry"), desk.trade().quantity, placed_once(desk)) == (["filled"], 100, True)
    assert desk.on_sale() in (EXACT, [])
    desk.account.refresh_from_db()
    assert (desk.account.state, desk.account.failures) == ("connected", 0)


@pytest.mark.parametrize("capabilities", ALL)
def test_a_worker_stops_before_it_sends_and_another_one_goes_on(
    alice: User, monkeypatch: pytest.MonkeyPatch, capabilities: Capabilities
) -> None:
    desk = second_desk(monkeypatch, alice, capabilities)
    desk.hold()
    desk.signal_exit()
    desk.broker.work()
    desk.wait()
    desk.tick()
    exit_order = desk.order("exit")
    assert Order.claim(exit_order.pk, "stopped", desk.wall) or exit_order.state != OrderState.PENDING
    desk.outbox.clear()
    desk.wait(60)
    desk.step(7)
    assert (desk.trade().exit_reason, desk.unfinished()) == ("signal", [])


def test_a_protective_order_on_its_way_is_awaited_before_the_sale(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker has claimed the stop and stalls; the exit must not be sent before it is known where the stop is."""
    desk = second_desk(monkeypatch, alice, REPLACING)
    desk.order_entry()
    desk.open_day(10)
    desk.broker.work()
    desk.wait()
    desk.tick()
    stop = desk.order("stop_loss")
    # The claim is made ahead of the desk's clock, which reaches it during the exit.
    monkeypatch.setattr(requeue, "restart_timers", lambda _: 0)
    during_the_exit = desk.wall + (CLOSES[4] - desk.now)
    assert Order.claim(stop.pk, "stalled", during_the_exit)
    desk.outbox.remove(stop.pk)
    desk.send()
    desk.signal_exit()
    desk.step(3)  # less than a worker may take
    assert (desk.states("exit"), desk.states("stop_loss")) == (["waiting"], ["submitting"])
    desk.wait(60)
    desk.step(LOOKS + 4)
    assert (desk.trade().exit_reason, desk.unfinished()) == ("signal", [])
    assert set(desk.broker.refused) == {NOT_THERE}
    assert desk.placed(desk.order("exit")).state == "filled"


def test_an_order_to_cancel_that_the_broker_does_not_know_holds_no_shares(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = second_desk(monkeypatch, alice, VARIANTS["separate"])
    desk.hold()
    desk.signal_exit()
    for order in (desk.order("stop_loss"), desk.order("take_profit")):
        assert order.state == "cancel_pending"
        del desk.broker.orders[order.client_order_id]
    desk.step(4)
    assert (desk.trade().exit_reason, desk.unfinished()) == ("signal", [])
