"""All metrics of a curve at once, as they go into the database and the API."""

import json
from dataclasses import fields

import empyrical
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradedesk.core.bars import Times
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


def days(*dates: str) -> Times:
    """Midnights in New York, winter time, as daily bars carry them."""
    return np.array([f"2024-{date}T05:00" for date in dates], "M8[us]")


def daily(count: int) -> Times:
    return np.datetime64("2010-01-01T05:00", "us") + np.arange(count) * np.timedelta64(1, "D")


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
