"""Answers that are lost or cannot be read, and orders that the broker finds late: each order is there once."""

import pytest

from livetrading.models import Order
from tests.faults.desk import FaultDesk

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

# Before or after the order was booked; or booked, with an answer that is no proper one.
HOWS = ["lost_before", "lost_after", "error_before", "error_after", "html", "cut", "text", "word"]
careless = pytest.mark.parametrize("desk", ["careless"], indirect=True)


def buy(desk: FaultDesk) -> Order:
    """The entry of Alice's W, once everything is settled: it is one order at the broker and filled."""
    desk.until(lambda: desk.sent("entry"), "the entries are sent")
    desk.open_day(V=10, W=10)
    desk.settle()
    (entry,) = desk.alice.orders("W", "entry")
    assert (entry.state, desk.alice.at_broker("W", "buy")) == ("filled", ["filled"])
    assert desk.alice.reads_order(entry)
    assert [trade.open_quantity for trade in desk.alice.trades("W")] == [100]
    desk.others_went_on()
    return entry


@pytest.mark.parametrize("how", HOWS)
def test_an_entry_without_a_proper_answer_is_placed_once(desk: FaultDesk, how: str) -> None:
    fault = desk.broker.script.add(how, route="submit", key="alice", symbol="W")
    desk.signal_entry()
    buy(desk)
    assert fault.met == 1


@careless
@pytest.mark.parametrize("how", ["lost_before", "lost_after"])
def test_at_a_broker_that_takes_an_id_twice_it_is_placed_once(desk: FaultDesk, how: str) -> None:
    desk.broker.script.add(how, route="submit", key="alice", symbol="W")
    desk.signal_entry()
    buy(desk)


@pytest.mark.parametrize("desk", ["careless", "separate"], indirect=True)
def test_an_order_that_is_not_found_for_a_while_is_placed_once(desk: FaultDesk) -> None:
    """The first two looks do not find it. Where an id is taken only once it is sent again after the first, and the
    broker refuses it as a duplicate of an order that lives."""
    script = desk.broker.script
    script.add("lost_after", route="submit", key="alice", symbol="W")
    late = script.add("blind", route="order", key="alice", symbol="W", times=2)
    script.add("blind", route="open_orders", key="alice", times=None)
    desk.signal_entry()
    desk.until(lambda: late.met == 2, "two looks that do not find the order")
    desk.until(lambda: desk.alice.states("W", "entry") == ["accepted"], "the order is found")
    script.clear()
    entry = buy(desk)
    if not desk.alice.books.capabilities.unique_client_ids:
        assert (entry.attempts, entry.absent_looks) == (1, 0)


@pytest.mark.parametrize("how", ["lost_before", "lost_after", "cut"])
def test_an_exit_without_a_proper_answer_is_made_once_though_its_signal_repeats(desk: FaultDesk, how: str) -> None:
    desk.hold()
    fault = desk.broker.script.add(how, route="submit", key="alice", symbol="W", side="sell")
    desk.signal_exit()
    desk.until(lambda: fault.met == 1, "the exit is sent")
    desk.close_bar(V=9.9, W=9.9)  # below the last two bars again
    desk.until(lambda: desk.sent("exit"), "the exits are sent")
    desk.open_day(V=9.9, W=9.9)
    desk.settle()
    (sale,) = desk.alice.orders("W", "exit")
    assert (sale.state, desk.alice.at_broker("W", "sell")) == ("filled", ["filled"])
    assert desk.alice.reads_order(sale)
    (trade,) = desk.alice.trades("W")
    assert (trade.exit_quantity, trade.exit_reason) == (100, "signal")
    desk.others_went_on(exits=1)
