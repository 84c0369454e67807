"""Crossings: one bar, ties, NaN, and the tolerance."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from strategies.kinds.crossings import TOLERANCE, crossings, exceeds
from tests.strategies.kinds.series import UNTIMED

NAN = float("nan")
VALUES = st.lists(st.sampled_from([1.0, 2.0, 3.0, NAN]), max_size=30)


def crossed(first: list[float], second: list[float] | float) -> list[int]:
    other = np.array(second) if isinstance(second, list) else second
    return [int(side) for side in crossings(np.array(first), other, 1.0)]


def test_a_crossing_is_on_one_bar() -> None:
    assert crossed([1, 3, 3, 3, 1, 1], 2.0) == [0, 1, 0, 0, -1, 0]


def test_a_tie_is_not_above_and_not_below() -> None:
    assert crossed([1, 2, 2, 3], 2.0) == [0, 0, 0, 1]
    assert crossed([3, 2, 2, 1], 2.0) == [0, 0, 0, -1]
    # a tie between two rows above: not above at t-1, above at t
    assert crossed([3, 2, 3], 2.0) == [0, 0, 1]


def test_two_moving_lines_cross_each_other() -> None:
    assert crossed([1, 2, 3, 4], [2, 2, 2, 5]) == [0, 0, 1, -1]


def test_the_first_bar_and_a_row_after_nan_have_no_crossing() -> None:
    assert crossed([3, 3], 2.0) == [0, 0]
    assert crossed([NAN, 3, 1, NAN, 3], 2.0) == [0, 0, -1, 0, 0]


def test_short_and_empty_arrays_have_no_crossing() -> None:
    assert crossed([], 2.0) == []
    assert crossed([3.0], 2.0) == [0]


@UNTIMED
@given(VALUES)
def test_it_matches_the_definition_row_by_row(values: list[float]) -> None:
    expected = [0] * len(values)
    for t in range(1, len(values)):
        before, now = values[t - 1], values[t]
        if before <= 2.0 < now:
            expected[t] = 1
        if before >= 2.0 > now:
            expected[t] = -1
    assert crossed(values, 2.0) == expected


@UNTIMED
@given(st.floats(1e-4, 1e6), st.floats(-0.9, 0.9))
def test_a_difference_within_the_tolerance_is_a_tie(level: float, part: float) -> None:
    nearly = level + part * TOLERANCE * level
    assert not exceeds(np.array([nearly]), np.array([level]), level).any()
    assert not exceeds(np.array([level]), np.array([nearly]), level).any()


@UNTIMED
@given(st.floats(1e-4, 1e6), st.floats(1.1, 1e6))
def test_a_difference_above_the_tolerance_is_not_a_tie(level: float, part: float) -> None:
    above = np.array([level + part * TOLERANCE * level])
    assert exceeds(above, np.array([level]), level).all()
    assert not exceeds(np.array([level]), above, level).any()
