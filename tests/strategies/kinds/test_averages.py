"""The simple average depends on its window only."""

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds.averages import simple_average, simple_averages
from tests.strategies.kinds.series import STOCKS, UNTIMED, generated, stock


@UNTIMED
@given(st.integers(0, 10**9), st.integers(2, 400), st.sampled_from(["random walk", "wild random walk", "shocked"]))
def test_the_same_window_gives_the_same_value_after_any_history(seed: int, period: int, shape: str) -> None:
    close = generated(shape, seed, 900).close
    whole = simple_average(close, period)
    for end in (period, 500, 899, 900):
        window = simple_average(close[end - period : end], period)
        assert window[-1].tobytes() == whole[end - 1].tobytes()


@pytest.mark.parametrize("symbol", STOCKS)
@pytest.mark.parametrize("period", [2, 10, 30, 150])
def test_it_equals_the_simple_moving_average_of_talib(symbol: str, period: int) -> None:
    close = stock(symbol).close
    assert simple_average(close, period) == pytest.approx(talib.SMA(close, period), abs=1e-9, nan_ok=True)


@UNTIMED
@given(st.integers(0, 10**9), st.integers(2, 400))
def test_rounding_changes_the_average_by_half_a_millionth_at_most(seed: int, period: int) -> None:
    close = generated("random walk", seed, 600).close
    difference = simple_average(close, period) - talib.SMA(close, period)
    assert np.nanmax(np.abs(difference)) < 5.1e-7


def test_it_is_exact_on_cents() -> None:
    assert simple_average(np.array([0.10, 0.20, 0.30, 0.40]), 2)[1:].tolist() == [0.15, 0.25, 0.35]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_prices_have_no_average(count: int) -> None:
    assert np.isnan(simple_average(np.ones(count), 3)).tolist() == [True] * count


@UNTIMED
@given(st.integers(0, 10**9), st.integers(2, 60), st.integers(0, 70), st.integers(0, 200))
def test_nan_is_skipped_at_the_start_and_later_ends_the_average(
    seed: int, period: int, leading: int, later: int
) -> None:
    close = generated("random walk on cents", seed, 150).close.copy()
    close[:leading] = np.nan
    close[later : later + 1] = np.nan
    expected = talib.SMA(np.rint(close * 1e6), period) / 1e6
    assert np.array_equal(simple_average(close, period), expected, equal_nan=True)


def test_many_averages_together_equal_single_ones() -> None:
    close, periods = stock("AAPL").close, [2, 10, 151, 400]
    for row, period in zip(simple_averages(close, periods), periods, strict=True):
        assert row.tobytes() == simple_average(close, period).tobytes()
