"""A backtest as the API tells it."""

import json
from datetime import UTC, datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from backtests.api.backtest_payload import backtest_payload, trade_payload
from backtests.models import Backtest
from tests.backtests.runs import Make

METRICS = {
    "total_return",
    "cagr",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "max_drawdown_pct",
    "win_rate",
    "profit_factor",
    "expectancy",
    "exposure",
    "num_trades",
    "final_equity",
    "buy_and_hold_return",
}


def test_a_completed_backtest_in_full(completed: Backtest) -> None:
    payload = backtest_payload(completed, full=True)
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload
    assert (payload["status"], payload["progress"], payload["error"]) == ("completed", 100, None)
    assert payload["metrics"].keys() >= METRICS
    assert payload["provenance"] == completed.provenance
    assert len(payload["trades"]) == payload["metrics"]["num_trades"]
    assert len(payload["open_positions"]) == 2
    assert payload["created_at"] == "2024-05-06T14:30:00Z"
    assert (payload["start_date"], payload["end_date"]) == ("2005-01-03", "2010-12-31")


def test_a_trade(completed: Backtest) -> None:
    trade = completed.trades.exclude(exit_time=None).earliest("entry_time")
    payload = trade_payload(trade)
    assert set(payload) == {
        "symbol",
        "shares",
        "entry_time",
        "entry_price",
        "exit_time",
        "exit_price",
        "exit_reason",
        "pnl",
        "return_pct",
        "commission",
        "r_multiple",
    }
    assert payload["exit_reason"] in {"signal", "stop_loss", "take_profit"}
    # After costs over what was paid, in percent.
    paid = payload["shares"] * payload["entry_price"]
    assert payload["return_pct"] == pytest.approx(100 * payload["pnl"] / paid)
    assert payload["entry_time"] == f"{trade.entry_time:%Y-%m-%dT%H:%M:%S}Z"


def test_an_equity_point(completed: Backtest) -> None:
    points = backtest_payload(completed, full=True)["equity_curve"]
    assert points[0] == {"time": "2005-01-03T05:00:00Z", "equity": 100_000.0}
    assert points[-1]["equity"] == completed.metrics["final_equity"]
    assert datetime.fromisoformat(points[-1]["time"]) == datetime(2010, 12, 31, 5, tzinfo=UTC)


def test_a_queued_backtest_has_no_figures_yet(make: Make) -> None:
    payload = backtest_payload(make(), full=True)
    assert (payload["status"], payload["metrics"], payload["started_at"]) == ("queued", None, None)
    assert payload["equity_curve"] == payload["trades"] == payload["open_positions"] == []
    assert payload["provenance"]["data"].keys() == {"AAPL", "MSFT"}


def test_a_failed_backtest_says_why(make: Make) -> None:
    backtest = make()
    backtest.status, backtest.error = Backtest.Status.FAILED, "No bars."
    assert backtest_payload(backtest, full=False)["error"] == "No bars."


def test_in_short_it_costs_no_query(
    completed: Backtest, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        payload = backtest_payload(completed, full=False)
    assert "trades" not in payload
    with django_assert_num_queries(2):
        backtest_payload(completed, full=True)
