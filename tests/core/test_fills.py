import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tradedesk.core import fills
from tradedesk.core.fills import EXIT_STOP_LOSS, EXIT_TAKE_PROFIT, NO_EXIT, ExitReason

NONE = math.inf
PRICE = st.floats(0.01, 1e5)
BPS = st.floats(0, 1000)


def test_slippage_goes_against_the_trader_on_both_sides() -> None:
    assert fills.buy_price(200.0, 5.0) == 200.1
    assert fills.sell_price(200.0, 5.0) == 199.9
    assert fills.buy_price(200.0, 0.0) == fills.sell_price(200.0, 0.0) == 200.0


def test_stop_and_target_depend_on_the_fill_price() -> None:
    assert fills.stop_price(33.333333, 0.10) == 30.0
    assert fills.target_price(50.0, 0.25) == 62.5
    assert fills.target_price(50.0, NONE) == NONE


def test_the_three_kinds_of_commission_add_up() -> None:
    assert fills.commission(100.0, 50.0, 1.0, 0.0, 0.0) == 1.0
    assert fills.commission(100.0, 50.0, 0.0, 0.005, 0.0) == 0.5
    assert fills.commission(100.0, 50.0, 0.0, 0.0, 10.0) == 5.0
    assert fills.commission(100.0, 50.0, 1.0, 0.005, 10.0) == 6.5


@pytest.mark.parametrize(
    ("open_", "high", "low", "stop", "target", "slippage", "reason", "price"),
    [
        (100.0, 105.0, 95.0, 90.0, 110.0, 0.0, NO_EXIT, 0.0),
        (100.0, 105.0, 90.0, 90.0, 110.0, 0.0, EXIT_STOP_LOSS, 90.0),  # touching the stop is enough
        (85.0, 88.0, 84.0, 90.0, 110.0, 0.0, EXIT_STOP_LOSS, 85.0),  # a gap below the stop fills at the open
        (100.0, 105.0, 89.0, 90.0, 110.0, 100.0, EXIT_STOP_LOSS, 89.1),  # slippage on a stop
        (100.0, 110.0, 95.0, 90.0, 110.0, 0.0, EXIT_TAKE_PROFIT, 110.0),
        (112.0, 113.0, 111.0, 90.0, 110.0, 0.0, EXIT_TAKE_PROFIT, 112.0),  # a gap above the target: the open
        (100.0, 111.0, 95.0, 90.0, 110.0, 100.0, EXIT_TAKE_PROFIT, 110.0),  # a limit order does not slip
        (100.0, 111.0, 89.0, 90.0, 110.0, 0.0, EXIT_STOP_LOSS, 90.0),  # both touched: the stop
        (100.0, 1e9, 95.0, 90.0, NONE, 0.0, NO_EXIT, 0.0),
    ],
)
def test_protective_exits(
    open_: float,
    high: float,
    low: float,
    stop: float,
    target: float,
    slippage: float,
    reason: int,
    price: float,
) -> None:
    assert fills.protective_exit(open_, high, low, stop, target, slippage) == (reason, price)


def test_the_affordable_quantity_includes_every_cost() -> None:
    assert fills.affordable(100.0, 10.0, 1_000.0, 0.0, 0.0, 0.0, False) == 100.0
    assert fills.affordable(100.0, 10.0, 1_000.0, 1.0, 0.0, 0.0, False) == 99.0
    assert fills.affordable(100.0, 10.0, 1_000.0, 0.0, 0.01, 0.0, False) == 99.0
    assert fills.affordable(100.0, 10.0, 1_000.0, 0.0, 0.0, 10.0, False) == 99.0
    assert fills.affordable(100.0, 10.0, 999.99, 0.0, 0.0, 0.0, True) == 99.999
    assert fills.affordable(5.0, 10.0, 1_000.0, 0.0, 0.0, 0.0, False) == 5.0
    assert fills.affordable(5.0, 10.0, 9.99, 0.0, 0.0, 0.0, False) == 0.0
    assert fills.affordable(5.0, 10.0, -3.0, 0.0, 0.0, 0.0, True) == 0.0


@given(st.floats(0, 1e5), PRICE, st.floats(0, 1e7), st.floats(0, 1000), st.floats(0, 10), BPS, st.booleans())
def test_the_cash_pays_for_the_affordable_quantity(
    quantity: float, price: float, cash: float, per_order: float, per_share: float, bps: float, fractional: bool
) -> None:
    cut = fills.affordable(quantity, price, cash, per_order, per_share, bps, fractional)
    assert 0.0 <= cut <= quantity
    assert cut == fills.affordable.py_func(quantity, price, cash, per_order, per_share, bps, fractional)
    if cut > 0:
        # a billionth of a share is the tolerance of whole_or_fraction
        cost = cut * price + fills.commission(cut, price, per_order, per_share, bps)
        assert cost <= cash + 2e-9 * price + 1e-6 + 1e-12 * cash


@given(PRICE, st.floats(1, 1.5), st.floats(0, 1), PRICE, PRICE, BPS)
def test_a_protective_exit_fills_within_the_bar_except_for_slippage(
    low: float, up: float, place: float, stop: float, target: float, slippage: float
) -> None:
    high = low * up
    open_ = low + place * (high - low)
    assume(stop < target)
    reason, price = fills.protective_exit(open_, high, low, stop, target, slippage)
    assert (reason, price) == fills.protective_exit.py_func(open_, high, low, stop, target, slippage)
    if reason == EXIT_STOP_LOSS:
        assert low <= stop
        assert low * (1 - slippage / 1e4) - 1e-6 <= price <= min(open_, stop) + 1e-6
    elif reason == EXIT_TAKE_PROFIT:
        assert low > stop
        assert max(open_, target) - 1e-6 <= price <= high + 1e-6
    else:
        assert stop < low
        assert high < target


@given(PRICE, BPS, st.floats(0.001, 0.99))
def test_compiled_prices_equal_the_python_functions(price: float, bps: float, part: float) -> None:
    for function, number in (
        (fills.buy_price, bps),
        (fills.sell_price, bps),
        (fills.stop_price, part),
        (fills.target_price, part),
    ):
        assert function(price, number) == function.py_func(price, number)
    assert fills.stop_price(price, part) <= price <= fills.target_price(price, part) + 1e-6


def test_every_exit_reason_of_the_kernel_has_a_name() -> None:
    assert set(fills.EXIT_REASONS.values()) == set(ExitReason) - {ExitReason.MANUAL}
