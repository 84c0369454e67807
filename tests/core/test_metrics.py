"""The metrics against calculations by hand and, where the definitions agree, against empyrical-reloaded."""

import json
import math
from dataclasses import fields

import empyrical
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tradedesk.core import metrics
from tradedesk.core.bars import Floats, Times
from tradedesk.core.metrics import Metrics, measure
from tradedesk.core.money import round_money

API_NAMES = [
    "total_return_pct",
    "cagr_pct",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "max_drawdown_pct",
    "max_drawdown_days",
    "win_rate",
    "profit_factor",
    "expectancy",
    "mean_r_multiple",
    "exposure_pct",
    "num_trades",
    "final_equity",
    "buy_and_hold_return_pct",
    "alpha_pct",
    "beta",
]
RETURNS = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=60).map(np.array)


def days(*dates: str) -> Times:
    """Midnights in New York, winter time, as daily bars carry them."""
    return np.array([f"2024-{date}T05:00" for date in dates], "M8[us]")


def daily(count: int) -> Times:
    return np.datetime64("2010-01-01T05:00", "us") + np.arange(count) * np.timedelta64(1, "D")


def curve(returns: Floats, capital: float = 100.0) -> Floats:
    return np.asarray(capital * np.cumprod(1 + returns), dtype=np.float64)


# Against empyrical


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
    # empyrical counts a year as 252 returns, we as 365.25 days: give both one year
    returns = np.random.default_rng(7).normal(0.001, 0.01, 252)
    growth = metrics.total_return(curve(returns)[-1], 100.0)
    deepest, _ = metrics.max_drawdown(daily(252), curve(returns), 100.0)
    assert metrics.calmar_ratio(growth, deepest) == pytest.approx(empyrical.calmar_ratio(returns))


# By hand


def test_growth_compounds_over_calendar_days() -> None:
    assert metrics.cagr(121.0, 100.0, 731) == pytest.approx(1.21 ** (365.25 / 731) - 1)
    assert metrics.cagr(50.0, 100.0, 365) == pytest.approx(0.5 ** (365.25 / 365) - 1)
    assert metrics.cagr(121.0, 100.0, 0) is None, "no time has passed"
    assert metrics.cagr(0.0, 100.0, 100) == metrics.cagr(-5.0, 100.0, 100) == -1.0
    assert metrics.cagr(1000.0, 100.0, 1) is None, "ten to the 365th is no number to show"


def test_sharpe_of_three_returns() -> None:
    # mean 0.01, deviations 0, 0.02, -0.02: std = sqrt(0.0008 / 2) = 0.02
    assert metrics.sharpe_ratio(np.array([0.01, 0.03, -0.01])) == pytest.approx(0.5 * math.sqrt(252))
    assert metrics.sharpe_ratio(np.array([0.01, 0.03, -0.01]), 0.01) == pytest.approx(0.0, abs=1e-12)


def test_sortino_takes_the_downside_over_all_sessions() -> None:
    # mean 0.01; downside sqrt(0.01^2 / 3), not sqrt(0.01^2 / 1)
    expected = 0.01 / (0.01 / math.sqrt(3)) * math.sqrt(252)
    assert metrics.sortino_ratio(np.array([0.01, 0.03, -0.01])) == pytest.approx(expected)


@pytest.mark.parametrize("returns", [[], [0.01], [0.01, 0.01, 0.01], [0.0, 0.0]])
def test_without_spread_there_is_no_sharpe(returns: list[float]) -> None:
    assert metrics.sharpe_ratio(np.array(returns)) is None


@pytest.mark.parametrize("returns", [[], [-0.01], [0.01, 0.02], [0.0, 0.0]])
def test_without_a_losing_session_there_is_no_sortino(returns: list[float]) -> None:
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


def test_the_capital_is_a_peak_too() -> None:
    time = days("01-02", "01-03", "01-04")
    assert metrics.max_drawdown(time, np.array([75.0, 90.0, 100.0]), 100.0) == (0.25, 2)


def test_a_curve_that_never_falls_has_no_drawdown() -> None:
    assert metrics.max_drawdown(days("01-02", "01-03"), np.array([100.0, 101.0]), 100.0) == (0.0, 0)
    assert metrics.max_drawdown(days(), np.array([]), 100.0) == (0.0, 0)


def test_a_drawdown_counts_whole_days_across_the_change_of_the_clocks() -> None:
    # midnight in New York is 05:00 UTC before March 10, 2024, and 04:00 after it
    time = np.array(["2024-03-08T05:00", "2024-03-11T04:00"], "M8[us]")
    assert metrics.max_drawdown(time, np.array([100.0, 50.0]), 100.0) == (0.5, 3)
    assert metrics.calendar_days(time) == 3


def test_trade_statistics() -> None:
    pnl = np.array([100.0, -50.0, 0.0, 30.0, -10.0])
    assert metrics.win_rate(pnl) == 2 / 5, "a trade that earns nothing has not won"
    assert metrics.profit_factor(pnl) == 130 / 60
    assert metrics.expectancy(pnl) == 14.0


def test_trade_statistics_that_are_not_defined() -> None:
    none, winners = np.array([]), np.array([5.0, 7.0])
    assert metrics.win_rate(none) is metrics.profit_factor(none) is metrics.expectancy(none) is None
    assert metrics.profit_factor(winners) is None, "without losses"
    assert metrics.profit_factor(-winners) == 0.0


def test_r_multiples_are_dollars_won_per_dollar_risked() -> None:
    pnl, quantity = np.array([200.0, -110.0, 5.0]), np.array([100.0, 100.0, 1.0])
    entry, stop = np.array([10.0, 10.0, 10.0]), np.array([9.0, 9.0, 10.0])
    multiples = metrics.r_multiple(pnl, quantity, entry, stop)
    assert multiples[:2].tolist() == [2.0, -1.1]
    assert math.isnan(multiples[2]), "nothing was at risk"


def test_beta_of_half_the_market_and_a_daily_head_start() -> None:
    market = np.array([0.01, -0.02, 0.03, 0.0])
    alpha, beta = metrics.alpha_beta(0.5 * market + 0.0001, market)
    assert beta == pytest.approx(0.5)
    assert alpha == pytest.approx(1.0001**252 - 1)


def test_without_a_moving_market_there_is_neither_alpha_nor_beta() -> None:
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


def test_the_returns_of_a_ruined_account_end_with_the_ruin() -> None:
    assert metrics.session_returns(np.array([50.0, 0.0, 0.0]), 100.0).tolist() == [-0.5, -1.0]
    assert metrics.session_returns(np.array([50.0, -25.0, 10.0]), 100.0).tolist() == [-0.5, -1.5]


# measure()


def test_measure_puts_everything_together() -> None:
    time = days("01-02", "01-03", "01-04", "01-05")
    equity = np.array([1_000.0, 1_100.0, 990.0, 1_200.0])
    benchmark = np.array([1_000.0, 1_050.0, 1_000.0, 1_100.0])
    measured = measure(
        time,
        equity,
        capital=1_000.0,
        pnl=np.array([300.0, -100.0]),
        r_multiples=np.array([2.0, np.nan]),
        exposure=0.75,
        benchmark=benchmark,
    )
    returns = np.array([0.0, 0.1, -0.1, 1_200 / 990 - 1])
    growth = 1.2 ** (365.25 / 3) - 1
    assert measured.total_return == pytest.approx(0.2)
    assert measured.cagr == pytest.approx(growth)
    assert measured.sharpe == pytest.approx(empyrical.sharpe_ratio(returns))
    assert measured.sortino == pytest.approx(empyrical.sortino_ratio(returns))
    assert measured.max_drawdown == pytest.approx(0.1)
    assert measured.max_drawdown_days == 2
    assert measured.calmar == pytest.approx(growth / 0.1)
    assert (measured.win_rate, measured.profit_factor, measured.expectancy) == (0.5, 3.0, 100.0)
    assert (measured.mean_r_multiple, measured.exposure, measured.trades) == (2.0, 0.75, 2)
    assert measured.final_equity == 1_200.0
    assert measured.buy_and_hold_return == pytest.approx(0.1)
    assert measured.beta is not None
    assert measured.alpha is not None


def test_the_json_has_the_names_of_the_api_and_percents() -> None:
    found = measure(
        days("01-02", "01-03", "01-04"),
        np.array([100.0, 110.0, 99.0]),
        capital=100.0,
        pnl=np.array([10.0, -11.0]),
        exposure=0.5,
        benchmark=np.array([100.0, 105.0, 103.0]),
    ).as_json()
    assert list(found) == API_NAMES
    assert found["total_return_pct"] == pytest.approx(-1.0)
    assert found["max_drawdown_pct"] == pytest.approx(10.0)
    assert found["win_rate"] == 50.0
    assert found["exposure_pct"] == 50.0
    assert found["buy_and_hold_return_pct"] == pytest.approx(3.0)
    assert found["expectancy"] == -0.5
    assert found["num_trades"] == 2
    assert len(API_NAMES) == len(fields(Metrics))


def test_an_empty_curve_has_a_return_of_nothing_and_no_ratios() -> None:
    found = measure(days(), np.array([]), capital=5_000.0, benchmark=np.array([])).as_json()
    assert found.pop("final_equity") == 5_000.0
    zeros = ("total_return_pct", "max_drawdown_pct", "max_drawdown_days", "exposure_pct", "num_trades")
    assert [found.pop(name) for name in zeros] == [0, 0, 0, 0, 0]
    assert set(found.values()) == {None}


def test_one_bar_has_a_return_and_no_ratios() -> None:
    found = measure(days("01-02"), np.array([90.0]), capital=100.0, benchmark=np.array([95.0]))
    assert found.total_return == pytest.approx(-0.1)
    assert found.max_drawdown == pytest.approx(0.1)
    assert found.buy_and_hold_return == pytest.approx(-0.05)
    assert found.cagr is found.sharpe is found.sortino is found.calmar is found.alpha is found.beta is None


def test_a_bankrupt_account_is_measured_to_its_end() -> None:
    time = days("01-02", "01-03", "01-04", "01-05")
    found = measure(time, np.array([60.0, 0.0, 0.0, 0.0]), capital=100.0, benchmark=np.array([99.0, 98, 97, 99]))
    assert (found.total_return, found.cagr, found.max_drawdown, found.calmar) == (-1.0, -1.0, 1.0, -1.0)
    assert found.sharpe is not None
    assert found.sharpe < 0
    owing = measure(time, np.array([60.0, -20.0, -20.0, -20.0]), capital=100.0)
    assert owing.total_return == pytest.approx(-1.2)
    assert owing.cagr == -1.0


@given(
    st.lists(st.floats(-1e6, 1e9).map(round_money), max_size=30),
    st.floats(0.01, 1e9),
    st.lists(st.floats(-1e9, 1e9), max_size=10),
    st.booleans(),
)
@settings(max_examples=300)
def test_whatever_comes_in_only_numbers_and_nulls_come_out(
    equity: list[float], capital: float, pnl: list[float], compare: bool
) -> None:
    values = np.array(equity, dtype=np.float64)
    found = measure(
        daily(len(values)),
        values,
        capital=capital,
        pnl=np.array(pnl, dtype=np.float64),
        r_multiples=np.full(len(pnl), np.nan),
        benchmark=np.abs(values)[::-1] + 1.0 if compare else None,
    ).as_json()
    json.dumps(found, allow_nan=False)
