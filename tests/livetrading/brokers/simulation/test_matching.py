"""The matching of the simulated broker against hand-computed figures."""

from datetime import UTC, datetime, timedelta

import pytest

from livetrading.brokers.simulation.matching import Book, Execution, Lot, Prices, Series, WorkingOrder, match
from tradedesk.core.rules import Costs

MONDAY = datetime(2012, 3, 5, 5, tzinfo=UTC)
TUESDAY = MONDAY + timedelta(days=1)
AAPL: Series = ("AAPL", "1Day")
IBM: Series = ("IBM", "1Day")
CALM = Prices(open=100.0, high=101.0, low=99.0)


def buy(id_: str, quantity: float, series: Series = AAPL, **fields: object) -> WorkingOrder:
    return WorkingOrder(id=id_, series=series, quantity=quantity, first_bar=MONDAY, **fields)  # type: ignore[arg-type]


def sell(id_: str, lot: str, quantity: float, series: Series = AAPL) -> WorkingOrder:
    return WorkingOrder(id=id_, series=series, quantity=quantity, first_bar=MONDAY, closes=lot)


def book(cash: float = 10_000.0, **costs: float) -> Book:
    return Book(cash=cash, costs=Costs(**costs))


def holding(book: Book, id_: str, quantity: float, stop: float | None, target: float | None = None) -> Book:
    book.lots[id_] = Lot(id_, AAPL, quantity, MONDAY, stop, target)
    return book


def results(executions: list[Execution]) -> list[tuple[str, str, float, float]]:
    return [(e.id, e.kind, e.quantity, e.price) for e in executions]


def test_an_order_waits_for_a_bar_that_opens_after_it_was_accepted() -> None:
    waiting = book()
    waiting.orders = [buy("a", 10)]
    waiting.orders[0].first_bar = TUESDAY
    assert match(waiting, MONDAY, {AAPL: CALM}) == []
    assert results(match(waiting, TUESDAY, {AAPL: CALM})) == [("a", "market", 10, 100.0)]
    assert waiting.orders == []


def test_an_order_waits_for_its_own_symbol() -> None:
    waiting = book()
    waiting.orders = [buy("a", 10, IBM)]
    assert match(waiting, MONDAY, {AAPL: CALM}) == []
    assert len(waiting.orders) == 1


def test_exits_pay_for_the_entries_of_the_same_open() -> None:
    poor = holding(book(cash=0.0), "old", 10, stop=None)
    poor.orders = [buy("new", 10), sell("out", "old", 10)]
    assert results(match(poor, MONDAY, {AAPL: CALM})) == [
        ("out", "market", 10, 100.0),
        ("new", "market", 10, 100.0),
    ]
    assert poor.cash == 0.0
    assert list(poor.lots) == ["new"]


def test_entries_are_filled_by_priority_then_by_symbol() -> None:
    tight = book(cash=1_000.0)
    tight.orders = [buy("i", 10, IBM, priority=0.7), buy("weak", 10, priority=0.6), buy("a", 10, priority=0.7)]
    executions = match(tight, MONDAY, {AAPL: CALM, IBM: CALM})
    assert results(executions) == [("a", "market", 10, 100.0), ("i", "market", 0, 0), ("weak", "market", 0, 0)]
    assert executions[1].reason == "The cash of $0.00 is not enough for one share at $100.00."


def test_an_entry_is_reduced_to_the_quantity_that_the_cash_can_pay_for_with_costs() -> None:
    # 1,000 dollars, price 100 x 1.01 = 101, commission 1 + 0.5 a share: (1000 - 1) / 101.5 = 9.84 -> 9 shares
    dear = book(cash=1_000.0, slippage_bps=100, commission_per_order=1, commission_per_share=0.5)
    dear.orders = [buy("a", 50)]
    (execution,) = match(dear, MONDAY, {AAPL: CALM})
    assert (execution.quantity, execution.price, execution.commission) == (9, 101.0, 5.5)
    assert execution.cash_change == -914.5
    assert dear.cash == 85.5
    assert execution.reason == "Reduced to the quantity that the cash can pay for."


def test_stop_and_target_are_set_from_the_fill_price() -> None:
    fresh = book(slippage_bps=100)
    fresh.orders = [buy("a", 10, stop_loss_distance=0.10, take_profit_distance=0.20)]
    (execution,) = match(fresh, MONDAY, {AAPL: CALM})
    assert (execution.price, execution.stop, execution.target) == (101.0, 90.9, 121.2)


def test_a_stop_can_be_triggered_on_the_entry_bar() -> None:
    fresh = book()
    fresh.orders = [buy("a", 10, stop_loss_distance=0.05)]
    executions = match(fresh, MONDAY, {AAPL: Prices(open=100.0, high=101.0, low=94.0)})
    assert results(executions) == [("a", "market", 10, 100.0), ("a", "stop_loss", 10, 95.0)]
    assert fresh.cash == 9_950.0
    assert fresh.lots == {}


@pytest.mark.parametrize(
    ("bar", "kind", "price"),
    [
        (Prices(open=100.0, high=104.0, low=94.0), "stop_loss", 95.0),  # touched
        (Prices(open=90.0, high=93.0, low=89.0), "stop_loss", 90.0),  # gap below the stop: filled at the open
        (Prices(open=100.0, high=111.0, low=99.0), "take_profit", 110.0),
        (Prices(open=115.0, high=116.0, low=114.0), "take_profit", 115.0),
        (Prices(open=100.0, high=111.0, low=94.0), "stop_loss", 95.0),  # both in one bar: the stop is filled
    ],
)
def test_protective_exits(bar: Prices, kind: str, price: float) -> None:
    held = holding(book(cash=0.0), "a", 10, stop=95.0, target=110.0)
    assert results(match(held, MONDAY, {AAPL: bar})) == [("a", kind, 10, price)]
    assert held.cash == price * 10


def test_slippage_worsens_a_stop_but_not_a_target() -> None:
    held = holding(book(cash=0.0, slippage_bps=100), "a", 10, stop=95.0, target=110.0)
    assert results(match(held, MONDAY, {AAPL: Prices(100.0, 101.0, 94.0)})) == [("a", "stop_loss", 10, 94.05)]
    held = holding(book(cash=0.0, slippage_bps=100), "a", 10, stop=95.0, target=110.0)
    assert results(match(held, MONDAY, {AAPL: Prices(100.0, 111.0, 99.0)})) == [("a", "take_profit", 10, 110.0)]


def test_a_signal_exit_is_filled_before_the_stop() -> None:
    held = holding(book(cash=0.0), "a", 10, stop=95.0)
    held.orders = [sell("out", "a", 10)]
    assert results(match(held, MONDAY, {AAPL: Prices(100.0, 101.0, 94.0)})) == [("out", "market", 10, 100.0)]


def test_a_sale_of_a_closed_lot_is_cancelled_and_not_sold_short() -> None:
    empty = book()
    empty.orders = [sell("out", "a", 10)]
    (execution,) = match(empty, MONDAY, {AAPL: CALM})
    assert (execution.quantity, execution.reason) == (0, "The lot was already closed.")
    assert empty.cash == 10_000.0


def test_two_strategies_on_one_symbol_have_separate_lots() -> None:
    both = holding(holding(book(cash=0.0), "mine", 10, stop=None), "yours", 5, stop=None)
    both.orders = [sell("out", "mine", 10)]
    match(both, MONDAY, {AAPL: CALM})
    assert list(both.lots) == ["yours"]


def test_a_lot_is_not_matched_with_bars_before_its_entry() -> None:
    held = holding(book(), "a", 10, stop=95.0)
    held.lots["a"].first_bar = TUESDAY
    assert match(held, MONDAY, {AAPL: Prices(90.0, 91.0, 89.0)}) == []
