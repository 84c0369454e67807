"""The bootstrap of trades, in cases with a known result."""

import numpy as np
import pytest

from backtests.research.robustness.monte_carlo import monthly_returns, resample_trades


def test_equal_gains_have_no_drawdown_and_a_random_number_of_trades_a_month() -> None:
    found = resample_trades(np.full(120, 0.01), days=3653, seed=1)
    assert found is not None
    assert found.trades_per_month == pytest.approx(1.0, abs=0.001)
    assert found.month == 0.0  # one month in three has no trade
    assert found.drawdown == 0.0


def test_equal_losses_have_the_drawdown_of_all_trades() -> None:
    found = resample_trades(np.full(50, -0.01), days=1522, seed=1)
    assert found is not None
    assert found.drawdown == pytest.approx(1 - 0.99**50)
    assert found.month == pytest.approx(1 - 1 - (1 - 0.99**3), abs=0.01)  # the 95th percentile of Poisson(1) is 3


def test_the_drawdown_is_near_the_exact_quantile() -> None:
    """Ten trades of +1% or -1%: all 1,024 walks of ten steps, enumerated."""
    walks = np.array([[1 if row >> place & 1 else -1 for place in range(10)] for row in range(1024)])
    equity = np.cumprod(1 + walks * 0.01, axis=1)
    peaks = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)
    exact = np.percentile((1 - equity / peaks).max(axis=1), 95)
    found = resample_trades(np.array([0.01, -0.01] * 5), days=300, seed=3)
    assert found is not None
    assert found.drawdown == pytest.approx(exact, abs=0.0101)


def test_the_same_seed_gives_the_same_result_and_another_seed_a_similar_one() -> None:
    returns = np.random.default_rng(0).normal(0.002, 0.03, 80)
    first, again, other = (resample_trades(returns, 2000, seed) for seed in (1, 1, 2))
    assert first == again
    assert first is not None
    assert other is not None
    assert first.drawdown == pytest.approx(other.drawdown, rel=0.05)


def test_thousands_of_trades_have_fewer_draws_of_full_length() -> None:
    """Twenty thousand trades without an edge, against drawdowns of walks of that length drawn here."""
    random = np.random.default_rng(1)
    returns = random.normal(0.0, 0.01, 20_000)
    found = resample_trades(returns, days=4745, seed=7)
    assert found is not None
    assert found.draws == 2_500
    equity = np.cumprod(1 + random.choice(returns, (300, 20_000)), axis=1)
    drawdowns = (1 - equity / np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)).max(axis=1)
    assert found.drawdown == pytest.approx(np.percentile(drawdowns, 95), abs=0.02)


def test_the_simulated_values_are_kept() -> None:
    found = resample_trades(np.array([0.02, -0.01, 0.03, -0.02]), days=120, seed=1)
    assert found is not None
    assert len(found.months) == len(found.drawdowns) == found.draws == 10_000
    assert found.month == np.percentile(found.months, 5)
    assert found.drawdown == np.percentile(found.drawdowns, 95)


@pytest.mark.parametrize(("count", "days"), [(0, 100), (1, 100), (5, 0)])
def test_too_few_trades_have_no_result(count: int, days: int) -> None:
    assert resample_trades(np.full(count, 0.01), days, 1) is None


def test_monthly_returns_end_when_the_account_went_to_zero() -> None:
    days = ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-29", "2024-03-01", "2024-05-02"]
    time = np.array([f"{day}T05:00" for day in days], "datetime64[us]")
    equity = np.array([90.0, 110.0, 70.0, 99.0, 0.0, 0.0])
    assert monthly_returns(time, equity, 100.0) == pytest.approx([0.10, -0.10, -1.0])
    assert len(monthly_returns(time[:0], equity[:0], 100.0)) == 0
