"""Orders that end otherwise than they began: in part, after they were accepted, or while they are cancelled."""

import pytest

from livetrading.models.order import WORKING
from tests.faults.desk import FaultDesk

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("desk", ["separate", "attached"], indirect=True)
@pytest.mark.parametrize("ending", ["cancelled", "expired"])
def test_an_entry_that_ends_after_a_part_is_a_lot_of_that_part(desk: FaultDesk, ending: str) -> None:
    desk.signal_entry()
    desk.until(lambda: desk.sent("entry"), "the entries are sent")
    books = desk.alice.books
    with books.lock:
        books.answer()
        entry = desk.alice.orders("W", "entry")[0].client_order_id
        books.fill(entry, 40, 10)
        books.finish(entry, ending)
    desk.open_day(V=10, W=10)
    desk.settle()
    (order,) = desk.alice.orders("W", "entry")
    assert (order.state, order.filled_quantity, desk.alice.at_broker("W", "buy")) == (ending, 40, [ending])
    assert desk.alice.reads_order(order)
    (trade,) = desk.alice.trades("W")
    assert (trade.quantity, trade.is_open) == (40, True)

    def stops() -> list[int]:
        return [int(leg.open_quantity) for leg in desk.alice.orders("W", "stop_loss") if leg.state in WORKING]

    desk.until(lambda: stops() == [40], "the stop is for the shares that were bought")
    desk.settle()
    desk.others_went_on()


def test_an_entry_that_is_rejected_after_it_was_accepted_leaves_nothing(desk: FaultDesk) -> None:
    desk.signal_entry()
    desk.until(lambda: desk.alice.states("W", "entry") == ["accepted"], "the entry is accepted")
    books = desk.alice.books
    with books.lock:
        reason = books.finish(desk.alice.orders("W", "entry")[0].client_order_id, "rejected")
    desk.until(lambda: desk.sent("entry"), "the entries are sent")
    desk.open_day(V=10, W=10)
    desk.settle()
    (order,) = desk.alice.orders("W", "entry")
    assert (order.state, order.reason, desk.alice.trades("W")) == ("rejected", reason, [])
    assert reason in desk.alice.reads_order(order)
    assert desk.alice.user.notifications.filter(text__contains=reason).count() == 1
    desk.others_went_on()


def test_an_exit_that_is_rejected_after_it_was_accepted_leaves_the_lot_protected(desk: FaultDesk) -> None:
    desk.hold()
    desk.alice.books.reject_next = ["market"]
    desk.signal_exit()
    desk.until(lambda: not desk.alice.books.reject_next, "an exit is rejected")
    desk.open_day(V=9.95, W=9.95)
    desk.settle()
    rejected = [order for s in "VW" for order in desk.alice.orders(s, "exit") if order.state == "rejected"]
    assert len(rejected) == 1
    assert rejected[0].reason in desk.alice.reads_order(rejected[0])
    assert [trade.is_open for trade in desk.bob.trades("W")] == [False]


def test_a_fill_that_comes_before_the_cancellation_counts(desk: FaultDesk) -> None:
    """The exit waits for the cancellation of the stop, which is filled meanwhile: nothing is sold twice."""
    desk.hold()
    desk.signal_exit()
    desk.idle = True
    desk.until(lambda: "cancel_pending" in desk.alice.states("W", "stop_loss"), "the stop is being cancelled")
    desk.open_day(V=9.95, W=9.95)
    desk.alice.books.move("W", 8.9)
    desk.idle = False
    desk.settle()
    (trade,) = desk.alice.trades("W")
    assert (trade.exit_quantity, trade.exit_price, trade.exit_reason) == (100, 9, "stop_loss")
    assert desk.alice.states("W", "stop_loss") == ["filled"]
    assert (desk.alice.states("W", "exit"), desk.alice.at_broker("W", "sell")) == (["cancelled"], [])
    assert desk.alice.reads_order(desk.alice.orders("W", "stop_loss")[0])
    desk.others_went_on(exits=1)
