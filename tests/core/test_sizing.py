import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.core.rules import Costs, RiskRules, kernel_rules
from tradedesk.core.sizing import order_quantity, whole_or_fraction

EQUITY = st.floats(0.01, 1e7)
PRICE = st.floats(0.01, 1e5)
POSITION_FRACTION = st.floats(0.001, 1.0)


def sizing_rules(fraction: float, most: float | None, fractional: bool) -> Any:
    rules = RiskRules(position_size_pct=fraction, max_position_size=most, fractional=fractional)
    return kernel_rules(rules, Costs())


@pytest.mark.parametrize(
    ("equity", "close", "fraction", "most", "fractional", "shares"),
    [
        (100_000.0, 50.0, 0.02, None, False, 40.0),
        (100_000.0, 50.0, 0.95, 4_000.0, False, 80.0),  # 4000 / 50 must not become 79
        (100_000.0, 51.0, 0.95, 4_000.0, False, 78.0),
        (100_000.0, 51.0, 0.95, 4_000.0, True, 78.431372),
        (1_000.0, 1_000.01, 1.0, None, False, 0.0),
        (1_000.0, 1_000.0, 1.0, None, False, 1.0),
        (0.3, 0.1, 1.0, None, False, 3.0),  # 0.3 / 0.1 is 2.9999999999999996
        (0.0, 10.0, 1.0, None, False, 0.0),
        (-500.0, 10.0, 1.0, None, True, 0.0),
    ],
)
def test_shares_of_an_order(
    equity: float, close: float, fraction: float, most: float | None, fractional: bool, shares: float
) -> None:
    assert order_quantity(equity, close, sizing_rules(fraction, most, fractional)) == shares


@given(EQUITY, PRICE, POSITION_FRACTION, st.none() | st.floats(1.0, 1e6), st.booleans())
def test_an_order_never_costs_more_than_its_budget(
    equity: float, close: float, fraction: float, most: float | None, fractional: bool
) -> None:
    rules = sizing_rules(fraction, most, fractional)
    shares = order_quantity(equity, close, rules)
    budget = min(fraction * equity, math.inf if most is None else most)
    unit = 1e-6 if fractional else 1.0
    assert 0.0 <= shares * close <= budget + 2e-9 * close
    # Up to the rounding of the product itself: 115.9 * 0.010000000000000002 is 1.159.
    assert (shares + unit) * close > budget * (1.0 - 1e-12), "one more unit would be too many"
    assert fractional or shares == int(shares)
    assert shares == order_quantity.py_func(equity, close, rules)


@given(st.integers(0, 10**6), PRICE)
def test_rounding_noise_never_reduces_an_exact_multiple_of_the_price(shares: int, price: float) -> None:
    assert whole_or_fraction(shares * price / price, False) == shares
