"""The probabilistic and the deflated Sharpe ratio, against the numbers in the papers."""

import math

import numpy as np
import pytest
from holdout import deflated_sharpe_ratio
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from backtests.research.robustness.deflated_sharpe import (
    Moments,
    deflated_sharpe,
    expected_best,
    moments,
    probabilistic_sharpe,
)

# Bailey and Lopez de Prado (2014), the numerical example: an annual Sharpe ratio of 2.5 over 1,250 daily returns,
# skewness -3, kurtosis 10, the best of 100 trials whose annual Sharpe ratios have a variance of 1/2.
PAPER = Moments(sharpe=2.5 / math.sqrt(250), skewness=-3.0, kurtosis=10.0, sessions=1250)
PAPER_VARIANCE = 0.5 / 250


def test_the_expected_best_of_the_papers_example_is_0_1132() -> None:
    assert expected_best(PAPER_VARIANCE, 100) == pytest.approx(0.1132, abs=5e-5)


def test_the_deflated_sharpe_of_the_papers_example_is_0_9004() -> None:
    assert deflated_sharpe(PAPER, PAPER_VARIANCE, 100) == pytest.approx(0.9004, abs=5e-5)


def test_a_single_trial_is_not_deflated() -> None:
    assert expected_best(0.01, 1) == 0.0
    assert deflated_sharpe(PAPER, 0.01, 1) == probabilistic_sharpe(PAPER)


def test_a_sharpe_ratio_of_zero_has_a_probability_of_one_half() -> None:
    assert probabilistic_sharpe(Moments(0.0, 0.3, 5.0, 500)) == 0.5


@given(st.floats(-0.2, 0.2), st.floats(-2, 2), st.integers(50, 5000), st.integers(2, 10**6), st.floats(1e-6, 1e-2))
def test_it_equals_another_library(sharpe: float, skew: float, n: int, trials: int, variance: float) -> None:
    kurtosis = 3.0 + skew**2  # any real sample has at least 1 + skew^2
    theirs = deflated_sharpe_ratio(
        sharpe, n, n_trials=trials, trials_variance=variance, skewness=skew, kurtosis=kurtosis
    )
    ours = deflated_sharpe(Moments(sharpe, skew, kurtosis, n), variance, trials)
    assert ours == pytest.approx(theirs, abs=1e-9)


@given(st.integers(2, 10**9), st.integers(2, 10**9))
def test_more_trials_never_raise_the_probability(first: int, second: int) -> None:
    few, many = sorted((first, second))
    assert deflated_sharpe(PAPER, PAPER_VARIANCE, many) <= deflated_sharpe(PAPER, PAPER_VARIANCE, few) + 1e-12


def test_moments_are_those_of_scipy() -> None:
    returns = np.random.default_rng(3).standard_t(5, 400) * 0.01
    found = moments(returns)
    assert found is not None
    assert found.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1))
    assert found.skewness == pytest.approx(stats.skew(returns))
    assert found.kurtosis == pytest.approx(stats.kurtosis(returns, fisher=False))
    assert found.sessions == 400


def test_constant_or_too_few_returns_have_no_moments() -> None:
    assert moments(np.zeros(100)) is None
    assert moments(np.array([0.01, -0.01, 0.02])) is None
