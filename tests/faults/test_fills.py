"""Fills that are reported twice, in another order, late, or changed afterwards: each counts once, as it is in the
end."""

from decimal import Decimal

import pytest

from livetrading.brokers.protocol import BrokerFill
from livetrading.pipeline.dispatch import WATCH_EVERY
from tests.faults.desk import FaultDesk

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


def fills(desk: FaultDesk, side: str) -> list[BrokerFill]:
    """The broker's fills of Alice's W."""
    books = desk.alice.books
    wanted = ("W", side)
    placed = books.placed
    of = [fill for fill in books.executions if fill.client_order_id in placed]
    return [f for f in of if (placed[f.client_order_id].symbol, placed[f.client_order_id].side) == wanted]


def on_sale(desk: FaultDesk) -> set[tuple[str, Decimal, Decimal | None]]:
    """Type, shares and price of the broker's working sales of Alice's W."""
    placed = desk.alice.books.placed.values()
    sales = [order for order in placed if (order.state, order.symbol, order.side) == ("working", "W", "sell")]
    return {(order.type, order.remaining, order.trigger) for order in sales}


def test_fills_that_are_doubled_and_in_another_order_count_once(desk: FaultDesk) -> None:
    desk.alice.books.shuffled = True
    desk.alice.books.largest_fill = Decimal(30)
    desk.hold()
    desk.sell()
    desk.settle()
    assert len(fills(desk, "buy")) == len(fills(desk, "sell")) == 4
    (trade,) = desk.alice.trades("W")
    assert (trade.quantity, trade.exit_quantity, trade.is_open) == (100, 100, False)
    assert desk.alice.reads_order(desk.alice.orders("W", "exit")[0])
    assert desk.alice.incidents() == []
    desk.others_went_on(exits=1)


def test_a_fill_that_appears_after_later_ones_counts(desk: FaultDesk) -> None:
    books = desk.alice.books
    books.largest_fill = Decimal(60)
    desk.signal_entry()
    desk.until(lambda: desk.sent("entry"), "the entries are sent")
    desk.open_day(V=10, W=10)
    with books.lock:
        books.work()
        books.hidden = {books.executions[0].activity_id}
    desk.until(
        lambda: len(books.executions) == 4 and desk.alice.trades("W") + desk.alice.trades("V"), "later fills"
    )
    desk.beat(4)
    assert [str(t) for s in "VW" for t in desk.alice.trades(s) if t.quantity < 100]
    books.hidden = set()
    desk.settle()
    assert [trade.quantity for symbol in "VW" for trade in desk.alice.trades(symbol)] == [100, 100]
    desk.others_went_on()


def test_a_purchase_that_is_undone_leaves_no_lot(desk: FaultDesk) -> None:
    desk.hold()
    with desk.alice.books.lock:
        desk.alice.books.bust(fills(desk, "buy")[0].activity_id)
    desk.settle()
    assert (desk.alice.trades("W"), desk.alice.incidents()) == ([], ["corrected_fill"])
    assert "The broker has undone the fill of 100 W at $10.00." in desk.alice.reads()
    desk.others_went_on()


def test_a_purchase_that_is_corrected_is_protected_at_its_new_price(desk: FaultDesk) -> None:
    desk.hold()
    with desk.alice.books.lock:
        desk.alice.books.bust(fills(desk, "buy")[0].activity_id, price="9.50", quantity="80")
    desk.settle()
    (trade,) = desk.alice.trades("W")
    assert (trade.quantity, trade.entry_price, trade.stop_price) == (80, Decimal("9.5"), Decimal("8.55"))
    exact = {("stop", 80, Decimal("8.55")), ("limit", 80, Decimal("11.40"))}
    desk.until(lambda: on_sale(desk) == exact, "the exits are at the broker with the new figures")
    desk.settle()
    assert "corrected the fill of 100 W at $10.00 to 80 at $9.50." in desk.alice.reads()
    desk.others_went_on()


def test_a_sale_that_is_undone_opens_its_lot_again_and_it_is_protected(desk: FaultDesk) -> None:
    desk.hold()
    desk.sell()
    desk.settle()
    with desk.alice.books.lock:
        desk.alice.books.bust(fills(desk, "sell")[0].activity_id)
    desk.set_time(desk.now + WATCH_EVERY)  # the account holds nothing
    desk.settle()
    (trade,) = desk.alice.trades("W")
    assert (trade.is_open, trade.open_quantity, trade.pnl) == (True, 100, 0)
    assert "The broker has undone the fill of 100 W" in desk.alice.reads()
    desk.others_went_on(exits=1)


def test_a_sale_that_is_corrected_has_its_new_profit(desk: FaultDesk) -> None:
    desk.hold()
    desk.sell()
    desk.settle()
    sale = fills(desk, "sell")[0]
    with desk.alice.books.lock:
        desk.alice.books.bust(sale.activity_id, price="9.81")
    desk.set_time(desk.now + WATCH_EVERY)
    desk.settle()
    (trade,) = desk.alice.trades("W")
    assert (trade.exit_price, trade.pnl) == (Decimal("9.81"), Decimal("-19"))
    desk.others_went_on(exits=1)
