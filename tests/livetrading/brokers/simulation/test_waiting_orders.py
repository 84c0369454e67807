"""Orders that wait for a price in the simulation, against hand-computed figures."""

from datetime import timedelta

import pytest

from livetrading.brokers.simulation.matching import Book, Prices, match
from tests.livetrading.brokers.simulation.test_matching import (
    AAPL,
    MONDAY,
    TUESDAY,
    book,
    buy,
    holding,
    results,
    sell,
)
from tradedesk.core import fills

DOWN = Prices(open=100.0, high=101.0, low=90.0)
UP = Prices(open=100.0, high=110.0, low=99.0)


def with_sale(lot: Book, **price: float) -> Book:
    order = sell("out", "old", 10)
    for name, value in price.items():
        setattr(order, name, value)
    lot.orders = [order]
    return lot


@pytest.mark.parametrize(
    ("bar", "price", "filled"),
    [
        (DOWN, {"limit": 95.0}, 95.0),
        (DOWN, {"limit": 100.0}, 100.0),
        (Prices(93.0, 94.0, 92.0), {"limit": 95.0}, 93.0),  # the gap is the buyer's
        (DOWN, {"limit": 89.0}, None),
        (UP, {"stop": 105.0}, 105.105),  # a stop pays 10 basis points
        (Prices(107.0, 110.0, 106.0), {"stop": 105.0}, 107.107),
        (UP, {"stop": 111.0}, None),
    ],
)
def test_a_purchase_waits_for_its_price(bar: Prices, price: dict[str, float], filled: float | None) -> None:
    waiting = book(slippage_bps=10.0)
    waiting.orders = [buy("a", 10, **price)]  # type: ignore[arg-type] # prices alone
    assert results(match(waiting, MONDAY, {AAPL: bar})) == ([("a", "market", 10, filled)] if filled else [])
    assert len(waiting.orders) == (filled is None)


@pytest.mark.parametrize(
    ("bar", "price", "filled"),
    [
        (UP, {"limit": 105.0}, 105.0),
        (Prices(107.0, 110.0, 106.0), {"limit": 105.0}, 107.0),
        (UP, {"limit": 111.0}, None),
        (DOWN, {"stop": 95.0}, 95.0),
        (Prices(93.0, 94.0, 92.0), {"stop": 95.0}, 93.0),
        (DOWN, {"stop": 89.0}, None),
    ],
)
def test_a_sale_waits_for_its_price(bar: Prices, price: dict[str, float], filled: float | None) -> None:
    lot = with_sale(holding(book(), "old", 10, stop=None), **price)
    assert results(match(lot, MONDAY, {AAPL: bar})) == ([("out", "market", 10, filled)] if filled else [])
    assert bool(lot.lots) == (filled is None)


def test_a_lot_bought_inside_a_bar_takes_the_worse_of_what_may_have_come_before() -> None:
    """At a limit the bar's high may be older than the lot, so it meets no target; a stop loss counts."""
    bought = book()
    bought.orders = [buy("a", 10, limit=95.0, stop_loss_distance=0.1, take_profit_distance=0.05)]
    assert results(match(bought, MONDAY, {AAPL: DOWN})) == [("a", "market", 10, 95.0)]  # 99.75 was passed before
    bought = book()
    bought.orders = [buy("a", 10, limit=95.0, stop_loss_distance=0.05)]
    executions = results(match(bought, MONDAY, {AAPL: DOWN}))
    assert executions == [("a", "market", 10, 95.0), ("a", "stop_loss", 10, 90.25)]
    bought = book()
    bought.orders = [buy("a", 10, stop=105.0, take_profit_distance=0.04)]
    assert results(match(bought, MONDAY, {AAPL: UP}))[1] == ("a", "take_profit", 10, 109.2)


def test_a_touched_stop_loss_comes_before_a_sale_at_a_limit_and_a_higher_stop_before_it() -> None:
    wide = Prices(open=100.0, high=110.0, low=90.0)
    lot = with_sale(holding(book(), "old", 10, stop=95.0), limit=105.0)
    assert results(match(lot, MONDAY, {AAPL: wide})) == [("old", "stop_loss", 10, 95.0)]
    lot = with_sale(holding(book(), "old", 10, stop=95.0), stop=97.0)
    assert results(match(lot, MONDAY, {AAPL: wide})) == [("out", "market", 10, 97.0)]
    lot = with_sale(holding(book(), "old", 10, stop=95.0), stop=93.0)
    assert results(match(lot, MONDAY, {AAPL: wide})) == [("old", "stop_loss", 10, 95.0)]


def test_a_rising_bar_comes_to_a_target_before_a_sale_at_a_higher_limit() -> None:
    held = holding(book(), "old", 10, stop=None, target=103.0)
    assert results(match(with_sale(held, limit=105.0), MONDAY, {AAPL: UP})) == [("old", "take_profit", 10, 103.0)]
    held = holding(book(), "old", 10, stop=None, target=103.0)
    assert results(match(with_sale(held, limit=102.0), MONDAY, {AAPL: UP})) == [("out", "market", 10, 102.0)]
    # Above both, both take the open.
    held, gap = holding(book(), "old", 10, stop=None, target=103.0), Prices(107.0, 110.0, 106.0)
    assert results(match(with_sale(held, limit=105.0), MONDAY, {AAPL: gap})) == [("out", "market", 10, 107.0)]


def test_a_market_order_is_filled_first_and_takes_the_cash() -> None:
    poor = book(cash=1_000.0)
    poor.orders = [buy("limit", 10, limit=99.5, priority=9.0), buy("market", 10)]
    assert [(e.id, e.quantity) for e in match(poor, MONDAY, {AAPL: DOWN})] == [("market", 10), ("limit", 0)]


def test_no_bar_after_its_last_one_fills_an_order() -> None:
    waiting = book()
    waiting.orders = [buy("a", 10, limit=95.0, last_bar=MONDAY)]
    assert match(waiting, TUESDAY, {AAPL: DOWN}) == []
    waiting.orders[0].last_bar = MONDAY + timedelta(days=1)
    assert len(match(waiting, TUESDAY, {AAPL: DOWN})) == 1


def test_a_market_order_has_the_price_of_the_open() -> None:
    assert fills.waiting_buy(100.0, 101.0, 99.0, None, None, 10.0) == (100.1, False)
    assert fills.waiting_sale(100.0, 101.0, 99.0, None, None, 10.0) == 99.9
