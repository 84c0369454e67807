"""Distributions: every value in one bin, zero as an edge, and round widths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.analysis import distribution
from backtests.research.analysis.distributions import MAX_BINS

VALUES = st.lists(st.floats(-1e7, 1e7, allow_subnormal=False).map(lambda value: round(value, 6)), min_size=1)


def test_values_are_counted_in_round_bins() -> None:
    # IQR 25, n = 8: 2 x 25 / 2 = 25 dollars; a twentieth of the range is 4, rounded up to 5.
    found = distribution(np.array([-30.0, -12, -10, 0, 1, 15, 20, 50]))
    assert found.edges.tolist() == [5.0 * step for step in range(-6, 12)]
    assert found.counts.tolist() == [1, 0, 0, 1, 1, 0, 2, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("value", [0.0, 42.0, -0.3, 1e-6, 1e7])
def test_equal_values_make_one_bin(value: float) -> None:
    found = distribution(np.full(7, value))
    assert found.counts.tolist() == [7]
    assert found.edges[0] <= value < found.edges[1]


def test_without_values_there_are_no_bins() -> None:
    assert len(distribution(np.empty(0)).edges) == 0


def test_an_outlier_does_not_make_a_thousand_bins() -> None:
    found = distribution(np.array([*np.linspace(-1, 1, 200), 1e6]))
    assert len(found.counts) <= MAX_BINS


@given(VALUES)
def test_every_value_is_in_its_bin_and_no_bin_has_gains_and_losses(values: list[float]) -> None:
    found = distribution(np.array(values))
    assert 1 <= len(found.counts) <= MAX_BINS
    for low, high, count in zip(found.edges[:-1], found.edges[1:], found.counts, strict=True):
        assert count == sum(low <= value < high for value in values)
        assert not low < 0 < high
    assert found.counts.sum() == len(values)
    assert found.counts[0]
    assert found.counts[-1]


@given(VALUES)
def test_all_bins_have_the_same_round_width(values: list[float]) -> None:
    widths = np.diff(distribution(np.array(values)).edges)
    assert widths == pytest.approx(widths[0], rel=1e-9)
    mantissa = widths[0] / 10.0 ** np.floor(np.log10(widths[0] * (1 + 1e-9)))
    assert min(abs(mantissa - step) for step in (1, 2, 2.5, 5)) < 1e-6
