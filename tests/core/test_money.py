from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.core.money import MICRO, round_money, to_decimal

AMOUNTS = st.floats(-1e9, 1e9, allow_nan=False)


def test_half_a_millionth_rounds_up() -> None:
    assert round_money(0.0000005) == 0.000001
    assert round_money(-0.0000005) == 0.0
    assert round_money(1.23456749) == 1.234567
    assert round_money(0.1 + 0.2) == 0.3


@given(AMOUNTS)
def test_rounding_changes_an_amount_by_half_a_millionth_at_most_and_only_once(amount: float) -> None:
    rounded = round_money(amount)
    assert abs(rounded - amount) <= 0.5e-6 + abs(amount) * 1e-15
    assert round_money(rounded) == rounded


@given(AMOUNTS)
def test_the_compiled_function_equals_the_python_function(amount: float) -> None:
    assert round_money(amount) == round_money.py_func(amount)


@given(AMOUNTS)
def test_a_rounded_amount_is_the_same_number_in_the_database(amount: float) -> None:
    rounded = round_money(amount)
    assert to_decimal(rounded) == Decimal(repr(rounded)).quantize(MICRO, ROUND_HALF_UP)
    assert float(to_decimal(rounded)) == rounded


@given(st.lists(AMOUNTS, max_size=50))
def test_a_cash_balance_kept_in_floats_equals_the_ledger_kept_in_decimals(movements: list[float]) -> None:
    cash, ledger = 0.0, Decimal(0)
    for movement in movements:
        amount = round_money(movement) / 100  # keeps the balance below a billion
        cash = round_money(cash + round_money(amount))
        ledger += to_decimal(round_money(amount))
    assert to_decimal(cash) == ledger


@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_an_amount_never_reaches_the_database(amount: float) -> None:
    with pytest.raises(ValueError, match="not an amount"):
        to_decimal(amount)
