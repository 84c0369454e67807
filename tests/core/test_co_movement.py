"""Correlations of returns, against manual calculations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tradedesk.core.co_movement import LEAST_SESSIONS, correlation, correlations

N = LEAST_SESSIONS
RAMP = np.arange(float(N))


def test_the_same_the_opposite_and_an_independent_way() -> None:
    assert correlation(RAMP, 3 * RAMP + 7).value == pytest.approx(1.0)
    assert correlation(RAMP, -RAMP).value == pytest.approx(-1.0)
    alternating = np.tile([1.0, -1.0, -1.0, 1.0], N // 4)
    assert correlation(RAMP, alternating).value == pytest.approx(0.0, abs=1e-12)


def test_only_the_sessions_of_both_count() -> None:
    late, early = np.append(RAMP, [50.0, 60.0]), np.append(RAMP, [np.nan, 1e9])
    early[0] = np.nan
    assert correlation(late, early).sessions == N
    assert correlation(late, early).value is not None
    early[1] = np.nan
    assert (correlation(late, early).value, correlation(late, early).sessions) == (None, N - 1)


def test_a_constant_column_has_none() -> None:
    assert correlation(RAMP, np.ones(N)).value is None
    assert correlations(np.empty((0, 2)))[0][1].value is None
    assert correlations(np.empty((5, 0))) == []


@given(arrays(np.float64, (N + 3, 3), elements=st.floats(-0.1, 0.1).map(lambda value: round(value, 4))))
def test_it_is_that_of_numpy_symmetric_and_one_with_itself(returns: np.ndarray) -> None:
    table = correlations(returns)
    for one in range(3):
        for other in range(3):
            assert table[one][other] == table[other][one]
            value = table[one][other].value
            if value is not None:
                assert value == pytest.approx(np.corrcoef(returns[:, one], returns[:, other])[0, 1], abs=1e-9)
        assert table[one][one].value in (None, pytest.approx(1.0))
