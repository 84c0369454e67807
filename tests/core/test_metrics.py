"""Each metric against a manual calculation."""

import math

import numpy as np
import pytest

from tradedesk.core import metrics
from tradedesk.core.bars import Times


def days(*dates: str) -> Times:
    """Midnights in New York, winter time, as daily bars carry them."""
    return np.array([f"2024-{date}T05:00" for date in dates], "M8[us]")


def test_growth_compounds_over_calendar_days() -> None:
    assert metrics.cagr(121.0, 100.0, 731) == pytest.approx(1.21 ** (365.25 / 731) - 1)
    assert metrics.cagr(50.0, 100.0, 365) == pytest.approx(0.5 ** (365.25 / 365) - 1)
    assert metrics.cagr(121.0, 100.0, 0) is None, "no time has passed"
    assert metrics.cagr(0.0, 100.0, 100) == metrics.cagr(-5.0, 100.0, 100) == -1.0
    assert metrics.cagr(1000.0, 100.0, 1) is None, "ten to the power of 365 exceeds the range of floats"


def test_sharpe_of_three_returns() -> None:
    # mean 0.01, deviations 0, 0.02, -0.02: std = sqrt(0.0008 / 2) = 0.02
    assert metrics.sharpe_ratio(np.array([0.01, 0.03, -0.01])) == pytest.approx(0.5 * math.sqrt(252))
    assert metrics.sharpe_ratio(np.array([0.01, 0.03, -0.01]), 0.01) == pytest.approx(0.0, abs=1e-12)


def test_sortino_takes_the_downside_over_all_sessions() -> None:
    # mean 0.01; downside sqrt(0.01^2 / 3), not sqrt(0.01^2 / 1)
    expected = 0.01 / (0.01 / math.sqrt(3)) * math.sqrt(252)
    assert metrics.sortino_ratio(np.array([0.01, 0.03, -0.01])) == pytest.approx(expected)


@pytest.mark.parametrize("returns", [[], [0.01], [0.01, 0.01, 0.01], [0.0, 0.0]])
def test_constant_returns_have_no_sharpe(returns: list[float]) -> None:
    assert metrics.sharpe_ratio(np.array(returns)) is None


@pytest.mark.parametrize("returns", [[], [-0.01], [0.01, 0.02], [0.0, 0.0]])
def test_returns_without_a_losing_session_have_no_sortino(returns: list[float]) -> None:
    assert metrics.sortino_ratio(np.array(returns)) is None


def test_drawdown_runs_from_the_peak_to_the_recovery() -> None:
    time = days("01-02", "01-03", "01-04", "01-05", "01-08", "01-09")
    equity = np.array([110.0, 120.0, 90.0, 100.0, 120.0, 119.0])
    assert metrics.max_drawdown(time, equity, 100.0) == (0.25, 5), "January 3 to 8"


def test_a_drawdown_without_recovery_lasts_to_the_end() -> None:
    time = days("01-02", "01-03", "01-04", "01-12")
    assert metrics.max_drawdown(time, np.array([110.0, 120.0, 90.0, 100.0]), 100.0) == (0.25, 9)


def test_the_last_of_equal_peaks_begins_the_drawdown() -> None:
    time = days("01-02", "01-03", "01-04", "01-05")
    assert metrics.max_drawdown(time, np.array([120.0, 110.0, 120.0, 60.0]), 100.0) == (0.5, 1)


def test_a_drawdown_is_found_at_every_place_of_a_long_curve() -> None:
    """The code checks closes in blocks: the drawdown may start, end or lie in any block."""
    time = np.datetime64("2012-01-01T05:00", "us") + np.arange(400) * np.timedelta64(1, "D")
    for row in range(1, 399):
        equity = np.full(400, 100.0)
        equity[row] = 50.0
        assert metrics.max_drawdown(time, equity, 100.0) == (0.5, 2), row
        equity[row + 1 :] = 60.0
        assert metrics.max_drawdown(time, equity, 100.0) == (0.5, 400 - row), row


def test_the_capital_is_a_peak_too() -> None:
    time = days("01-02", "01-03", "01-04")
    assert metrics.max_drawdown(time, np.array([75.0, 90.0, 100.0]), 100.0) == (0.25, 2)


def test_a_curve_that_never_falls_has_no_drawdown() -> None:
    assert metrics.max_drawdown(days("01-02", "01-03"), np.array([100.0, 101.0]), 100.0) == (0.0, 0)
    assert metrics.max_drawdown(days(), np.array([]), 100.0) == (0.0, 0)


def test_a_drawdown_counts_whole_days_across_the_change_to_summer_time() -> None:
    # midnight in New York is 05:00 UTC before March 10, 2024, and 04:00 after it
    time = np.array(["2024-03-08T05:00", "2024-03-11T04:00"], "M8[us]")
    assert metrics.max_drawdown(time, np.array([100.0, 50.0]), 100.0) == (0.5, 3)
    assert metrics.calendar_days(time) == 3


def test_trade_statistics() -> None:
    pnl = np.array([100.0, -50.0, 0.0, 30.0, -10.0])
    assert metrics.win_rate(pnl) == 2 / 5, "a trade without a profit is not a win"
    assert metrics.profit_factor(pnl) == 130 / 60
    assert metrics.expectancy(pnl) == 14.0


def test_trade_statistics_that_are_not_defined() -> None:
    none, winners = np.array([]), np.array([5.0, 7.0])
    assert metrics.win_rate(none) is metrics.profit_factor(none) is metrics.expectancy(none) is None
    assert metrics.profit_factor(winners) is None, "without losses"
    assert metrics.profit_factor(-winners) == 0.0


def test_r_multiples_are_dollars_earned_per_dollar_at_risk() -> None:
    pnl, quantity = np.array([200.0, -110.0, 5.0]), np.array([100.0, 100.0, 1.0])
    entry, stop = np.array([10.0, 10.0, 10.0]), np.array([9.0, 9.0, 10.0])
    multiples = metrics.r_multiple(pnl, quantity, entry, stop)
    assert multiples[:2].tolist() == [2.0, -1.1]
    assert math.isnan(multiples[2]), "nothing was at risk"


def test_beta_of_half_the_benchmark_and_alpha_of_a_daily_extra() -> None:
    benchmark = np.array([0.01, -0.02, 0.03, 0.0])
    alpha, beta = metrics.alpha_beta(0.5 * benchmark + 0.0001, benchmark)
    assert beta == pytest.approx(0.5)
    assert alpha == pytest.approx(1.0001**252 - 1)


def test_a_constant_benchmark_gives_neither_alpha_nor_beta() -> None:
    assert metrics.alpha_beta(np.array([0.1, 0.2]), np.array([0.01, 0.01])) == (None, None)
    assert metrics.alpha_beta(np.array([0.1]), np.array([0.01])) == (None, None)


def test_returns_are_taken_from_session_to_session() -> None:
    time = np.array(
        ["2024-01-02T15:30", "2024-01-02T20:30", "2024-01-03T15:30", "2024-01-03T20:30", "2024-01-04T15:30"],
        "M8[us]",
    )
    ends = metrics.session_ends(time)
    assert ends.tolist() == [1, 3, 4]
    equity = np.array([150.0, 110.0, 90.0, 99.0, 99.0])
    assert metrics.session_returns(equity[ends], 100.0) == pytest.approx([0.1, -0.1, 0.0])


def test_the_returns_of_an_account_end_when_its_equity_reaches_zero() -> None:
    assert metrics.session_returns(np.array([50.0, 0.0, 0.0]), 100.0).tolist() == [-0.5, -1.0]
    assert metrics.session_returns(np.array([50.0, -25.0, 10.0]), 100.0).tolist() == [-0.5, -1.5]
