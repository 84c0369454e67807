"""The metrics against empyrical-reloaded, where the definitions agree."""

import empyrical
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tradedesk.core import metrics
from tradedesk.core.bars import Floats, Times

RETURNS = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=60).map(np.array)


def daily(count: int) -> Times:
    return np.datetime64("2010-01-01T05:00", "us") + np.arange(count) * np.timedelta64(1, "D")


def curve(returns: Floats, capital: float = 100.0) -> Floats:
    return np.asarray(capital * np.cumprod(1 + returns), dtype=np.float64)


@given(RETURNS, st.sampled_from((0.0, 0.0001)))
def test_sharpe_agrees_with_empyrical(returns: Floats, free: float) -> None:
    ours = metrics.sharpe_ratio(returns, free)
    assume(ours is not None and returns.std(ddof=1) > 1e-9)
    assert ours == pytest.approx(empyrical.sharpe_ratio(returns, free), rel=1e-9, abs=1e-9)


@given(RETURNS, st.sampled_from((0.0, 0.0001)))
def test_sortino_agrees_with_empyrical(returns: Floats, free: float) -> None:
    ours = metrics.sortino_ratio(returns, free)
    assume(ours is not None)
    assert ours == pytest.approx(empyrical.sortino_ratio(returns, free), rel=1e-9, abs=1e-9)


@given(RETURNS)
def test_maximum_drawdown_agrees_with_empyrical(returns: Floats) -> None:
    deepest, _ = metrics.max_drawdown(daily(len(returns)), curve(returns), 100.0)
    assert -deepest == pytest.approx(empyrical.max_drawdown(returns), abs=1e-9)


@given(RETURNS, st.data(), st.sampled_from((0.0, 0.0001)))
def test_alpha_and_beta_agree_with_empyrical(returns: Floats, data: st.DataObject, free: float) -> None:
    size = len(returns)
    benchmark = np.array(data.draw(st.lists(st.floats(-0.2, 0.2), min_size=size, max_size=size)))
    assume(benchmark.std(ddof=1) > 1e-6)
    alpha, beta = metrics.alpha_beta(returns, benchmark, free)
    expected_alpha, expected_beta = empyrical.alpha_beta_aligned(returns, benchmark, free)
    assert beta == pytest.approx(expected_beta, rel=1e-7, abs=1e-9)
    if alpha is not None and alpha > -1.0 and np.isfinite(expected_alpha):
        assert alpha == pytest.approx(expected_alpha, rel=1e-5, abs=1e-7)


@given(RETURNS)
def test_returns_and_total_return_agree_with_empyrical(returns: Floats) -> None:
    equity = curve(returns)
    assert metrics.session_returns(equity, 100.0) == pytest.approx(returns, abs=1e-9)
    assert metrics.total_return(equity[-1], 100.0) == pytest.approx(empyrical.cum_returns_final(returns), abs=1e-9)


def test_calmar_agrees_with_empyrical_over_exactly_one_year() -> None:
    # A year has 252 returns in empyrical and 365.25 days here: this curve has one year in both.
    returns = np.random.default_rng(7).normal(0.001, 0.01, 252)
    growth = metrics.total_return(curve(returns)[-1], 100.0)
    deepest, _ = metrics.max_drawdown(daily(252), curve(returns), 100.0)
    assert metrics.calmar_ratio(growth, deepest) == pytest.approx(empyrical.calmar_ratio(returns))
