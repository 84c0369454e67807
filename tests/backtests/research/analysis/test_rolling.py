"""The rolling Sharpe ratio is the Sharpe ratio of each window."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.analysis import rolling_sharpe
from tradedesk.core.metrics import sharpe_ratio


@given(st.lists(st.floats(-0.2, 0.2).map(lambda value: round(value, 4)), max_size=40), st.integers(2, 12))
def test_each_is_the_sharpe_ratio_of_its_window(values: list[float], window: int) -> None:
    returns = np.array(values)
    expected = [sharpe_ratio(returns[end - window : end]) for end in range(window, len(returns) + 1)]
    found = [None if np.isnan(value) else value for value in rolling_sharpe(returns, window).tolist()]
    assert found == [None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9) for value in expected]


def test_a_case_computed_by_hand() -> None:
    # Means 0.02 and 0, deviations sqrt(2) / 100 x 1 and 3 (ddof 1): 2 / sqrt(2) x sqrt(252), then 0.
    found = rolling_sharpe(np.array([0.01, 0.03, -0.03]), 2)
    assert found == pytest.approx([np.sqrt(2) * np.sqrt(252), 0.0])


def test_a_period_shorter_than_the_window_has_no_value() -> None:
    assert len(rolling_sharpe(np.zeros(125))) == 0
    assert np.isnan(rolling_sharpe(np.zeros(126))).tolist() == [True]
