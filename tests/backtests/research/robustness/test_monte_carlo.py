"""The bootstrap of trades, where its answer is known."""

import numpy as np
import pytest

from backtests.research.robustness.monte_carlo import money, monthly_returns


def test_trades_that_are_all_the_same_leave_no_drawdown_and_only_the_count_to_chance() -> None:
    found = money(np.full(120, 0.01), days=3653, seed=1)
    assert found is not None
    assert found.trades_per_month == pytest.approx(1.0, abs=0.001)
    assert found.month == 0.0  # one month in three has no trade
    assert found.drawdown == 0.0


def test_losing_trades_fall_all_the_way() -> None:
    found = money(np.full(50, -0.01), days=1522, seed=1)
    assert found is not None
    assert found.drawdown == pytest.approx(1 - 0.99**50)
    assert found.month == pytest.approx(1 - 1 - (1 - 0.99**3), abs=0.01)  # the 95th percentile of Poisson(1) is 3


def test_the_worst_of_two_coins_is_near_the_exact_quantile() -> None:
    """Ten trades of +1% or -1%: the deepest fall of a fair walk of ten steps, enumerated."""
    walks = np.array([[1 if row >> place & 1 else -1 for place in range(10)] for row in range(1024)])
    equity = np.cumprod(1 + walks * 0.01, axis=1)
    peaks = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)
    exact = np.percentile((1 - equity / peaks).max(axis=1), 95)
    found = money(np.array([0.01, -0.01] * 5), days=300, seed=3)
    assert found is not None
    assert found.drawdown == pytest.approx(exact, abs=0.0101)


def test_the_same_seed_gives_the_same_answer_and_another_nearly() -> None:
    returns = np.random.default_rng(0).normal(0.002, 0.03, 80)
    first, again, other = (money(returns, 2000, seed) for seed in (1, 1, 2))
    assert first == again
    assert first is not None
    assert other is not None
    assert first.drawdown == pytest.approx(other.drawdown, rel=0.05)


def test_thousands_of_trades_are_drawn_less_often_and_never_cut_short() -> None:
    """Twenty thousand trades without an edge: the deepest falls of walks that long, drawn by hand."""
    random = np.random.default_rng(1)
    returns = random.normal(0.0, 0.01, 20_000)
    found = money(returns, days=4745, seed=7)
    assert found is not None
    assert found.draws == 2_500
    equity = np.cumprod(1 + random.selection(returns, (300, 20_000)), axis=1)
    falls = (1 - equity / np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)).max(axis=1)
    assert found.drawdown == pytest.approx(np.percentile(falls, 95), abs=0.02)


def test_what_was_drawn_is_kept_for_the_page() -> None:
    found = money(np.array([0.02, -0.01, 0.03, -0.02]), days=120, seed=1)
    assert found is not None
    assert len(found.months) == len(found.drawdowns) == found.draws == 10_000
    assert found.month == np.percentile(found.months, 5)
    assert found.drawdown == np.percentile(found.drawdowns, 95)


@pytest.mark.parametrize(("count", "days"), [(0, 100), (1, 100), (5, 0)])
def test_too_few_trades_are_no_answer(count: int, days: int) -> None:
    assert money(np.full(count, 0.01), days, 1) is None


def test_months_end_with_their_last_bar_and_with_a_ruin() -> None:
    days = ["2024-01-30", "2024-01-31", "2024-02-01", "2024-02-29", "2024-03-01", "2024-05-02"]
    time = np.array([f"{day}T05:00" for day in days], "datetime64[us]")
    equity = np.array([90.0, 110.0, 70.0, 99.0, 0.0, 0.0])
    assert monthly_returns(time, equity, 100.0) == pytest.approx([0.10, -0.10, -1.0])
    assert len(monthly_returns(time[:0], equity[:0], 100.0)) == 0
