"""All metrics of an equity curve together, as they are stored."""

import json
from dataclasses import fields

import empyrical
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradedesk.core.bars import Floats, Times
from tradedesk.core.metrics import Metrics, measure, periods_per_year
from tradedesk.core.money import round_money


def days(*dates: str) -> Times:
    """Midnights in New York, winter time, as daily bars carry them."""
    return np.array([f"2024-{date}T05:00" for date in dates], "M8[us]")


def weekly(count: int) -> Times:
    return np.datetime64("2010-01-01T05:00", "us") + np.arange(count) * np.timedelta64(7, "D")


def test_measure_computes_every_figure() -> None:
    time = days("01-02", "02-01", "03-01", "06-03")
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
    growth = 1.2 ** (365.25 / 153) - 1
    assert measured.total_return == pytest.approx(0.2)
    assert measured.cagr == pytest.approx(growth)
    assert measured.sharpe == pytest.approx(empyrical.sharpe_ratio(returns, period="monthly"))
    assert measured.sortino == pytest.approx(empyrical.sortino_ratio(returns, period="monthly"))
    assert measured.max_drawdown == pytest.approx(0.1)
    assert measured.max_drawdown_days == 123
    assert measured.calmar == pytest.approx(growth / 0.1)
    assert (measured.win_rate, measured.profit_factor, measured.expectancy) == (0.5, 3.0, 100.0)
    assert (measured.mean_r_multiple, measured.exposure, measured.trades) == (2.0, 0.75, 2)
    assert measured.final_equity == 1_200.0
    assert measured.buy_and_hold_return == pytest.approx(0.1)
    assert measured.beta is not None
    assert measured.alpha is not None


def test_the_dictionary_has_every_field_as_fractions_and_dollars() -> None:
    found = measure(
        days("01-02", "01-03", "01-04"),
        np.array([100.0, 110.0, 99.0]),
        capital=100.0,
        pnl=np.array([10.0, -11.0]),
        exposure=0.5,
        benchmark=np.array([100.0, 105.0, 103.0]),
    ).as_dict()
    assert list(found) == [field.name for field in fields(Metrics)]
    assert found["total_return"] == pytest.approx(-0.01)
    assert found["max_drawdown"] == pytest.approx(0.1)
    assert found["win_rate"] == 0.5
    assert found["exposure"] == 0.5
    assert found["buy_and_hold_return"] == pytest.approx(0.03)
    assert found["expectancy"] == -0.5
    assert found["trades"] == 2
    assert found["final_equity"] == 99.0


def test_an_empty_curve_has_a_return_of_zero_and_no_ratios() -> None:
    found = measure(days(), np.array([]), capital=5_000.0, benchmark=np.array([])).as_dict()
    assert found.pop("final_equity") == 5_000.0
    zeros = ("total_return", "max_drawdown", "max_drawdown_days", "exposure", "trades", "days")
    assert [found.pop(name) for name in zeros] == [0, 0, 0, 0, 0, 0]
    assert set(found.values()) == {None}


def test_one_bar_has_a_return_and_no_ratios() -> None:
    found = measure(days("01-02"), np.array([90.0]), capital=100.0, benchmark=np.array([95.0]))
    assert found.total_return == pytest.approx(-0.1)
    assert found.max_drawdown == pytest.approx(0.1)
    assert found.buy_and_hold_return == pytest.approx(-0.05)
    assert found.cagr is found.sharpe is found.sortino is found.calmar is found.alpha is found.beta is None


def test_a_period_below_90_days_has_no_figure_per_year() -> None:
    equity = np.array([100.0, 110.0, 99.0, 121.0])
    short, long = (
        measure(days("01-02", "02-01", "03-01", end), equity, capital=100.0, benchmark=equity[::-1].copy())
        for end in ("03-31", "04-01")  # 89 and 90 days
    )
    for name in ("cagr", "sharpe", "sortino", "calmar", "alpha"):
        assert getattr(short, name) is None, name
        assert getattr(long, name) is not None, name
    assert (short.total_return, short.max_drawdown, short.beta) == (
        long.total_return,
        long.max_drawdown,
        long.beta,
    )


def test_a_market_that_never_closes_has_365_sessions_a_year() -> None:
    """The same returns, once on the days of the exchange and once on every day."""
    every_day = np.datetime64("2024-01-02T05:00", "us") + np.arange(140) * np.timedelta64(1, "D")
    weekdays = every_day[np.is_busday(every_day.astype("datetime64[D]"))]
    assert (periods_per_year(every_day), periods_per_year(weekdays)) == (365.0, 252.0)
    some = np.concatenate((weekdays, every_day[4:12:7]))  # two stray Saturdays
    assert periods_per_year(np.sort(some)) == 252.0
    equity: Floats = np.cumprod(1.0 + np.random.default_rng(1).normal(0.001, 0.01, 100)).astype(np.float64)
    closes, never_closes = (measure(time[:100], equity, capital=1.0) for time in (weekdays, every_day))
    assert closes.sharpe is not None
    weekly = every_day[0] + np.arange(20) * np.timedelta64(7, "D")
    monthly = np.arange(np.datetime64("2024-01"), np.datetime64("2025-06")).astype("datetime64[us]")
    assert (periods_per_year(weekly), periods_per_year(monthly)) == (52.0, 12.0)
    assert periods_per_year(np.delete(weekly, slice(3, 9))) == 52.0, "some are missing"
    assert never_closes.sharpe == pytest.approx(closes.sharpe * (365 / 252) ** 0.5)
    assert never_closes.sortino == pytest.approx((closes.sortino or 0) * (365 / 252) ** 0.5)


def test_an_account_that_loses_everything_has_figures_to_the_end() -> None:
    time = days("01-02", "02-01", "03-01", "06-03")
    found = measure(time, np.array([60.0, 0.0, 0.0, 0.0]), capital=100.0, benchmark=np.array([99.0, 98, 97, 99]))
    assert (found.total_return, found.cagr, found.max_drawdown, found.calmar) == (-1.0, -1.0, 1.0, -1.0)
    assert found.sharpe is not None
    assert found.sharpe < 0
    owing = measure(time, np.array([60.0, -20.0, -20.0, -20.0]), capital=100.0)
    assert (owing.total_return, owing.cagr, owing.max_drawdown, owing.final_equity) == (-1.0, -1.0, 1.0, -20.0)


@given(
    st.lists(st.floats(-1e6, 1e9).map(round_money), max_size=30),
    st.floats(0.01, 1e9),
    st.lists(st.floats(-1e9, 1e9), max_size=10),
    st.booleans(),
)
@settings(max_examples=300)
def test_the_figures_of_any_input_are_numbers_or_none(
    equity: list[float], capital: float, pnl: list[float], compare: bool
) -> None:
    values = np.array(equity, dtype=np.float64)
    found = measure(
        weekly(len(values)),
        values,
        capital=capital,
        pnl=np.array(pnl, dtype=np.float64),
        r_multiples=np.full(len(pnl), np.nan),
        benchmark=np.abs(values)[::-1] + 1.0 if compare else None,
    ).as_dict()
    json.dumps(found, allow_nan=False)
