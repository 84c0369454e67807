"""Backtests as JSON."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from backtests.api.backtest_schemas import (
    BacktestSummarySchema,
    ClosedTradeSchema,
    MetricsSchema,
    OpenPositionSchema,
    with_results,
)
from backtests.models import Backtest
from tests.api.backtesting import METRICS, public
from tests.backtests.runs import Make
from tradedesk.core.metrics import Metrics

RESULTS = {"equity_curve", "trades", "open_positions", "provenance"}


def as_json(schema: Any) -> dict[str, Any]:
    data: dict[str, Any] = schema.model_dump(mode="json")
    return data


def test_every_metric_has_one_public_name() -> None:
    assert [stored for _, stored, _ in METRICS] == [*Metrics.__slots__]
    assert list(MetricsSchema.model_fields) == [name for name, _, _ in METRICS]


def test_fractions_are_percent_and_missing_metrics_are_null() -> None:
    stored = {"total_return": 0.125, "win_rate": 0.4, "sharpe": 0.8, "trades": 5, "cagr": None}
    metrics = as_json(MetricsSchema.model_validate(stored))
    assert metrics == public(stored)
    named = ("total_return_pct", "win_rate", "sharpe_ratio", "num_trades", "cagr_pct", "beta")
    assert [metrics[name] for name in named] == [12.5, 40.0, 0.8, 5, None, None]


def test_a_completed_backtest_with_its_results(completed: Backtest) -> None:
    data = as_json(with_results(completed))
    assert (data["status"], data["progress"], data["error"]) == ("completed", 100, None)
    assert data["metrics"] == public(completed.metrics)
    assert data["doubled_costs"] == public(completed.doubled_costs)
    assert data["provenance"]["result"] == completed.provenance["result"]
    assert data["initial_capital"] == 100_000.0
    assert len(data["trades"]) == data["metrics"]["num_trades"] > 0
    assert len(data["open_positions"]) == 2
    assert data["created_at"] == "2024-05-06T14:30:00Z"
    assert (data["start_date"], data["end_date"]) == ("2005-01-03", "2010-12-31")


def test_a_closed_trade(completed: Backtest) -> None:
    trade = completed.trades.exclude(exit_time=None).earliest("entry_time")
    assert trade.exit_time is not None
    assert as_json(ClosedTradeSchema.model_validate(trade)) == {
        "symbol": trade.symbol,
        "shares": float(trade.quantity),
        "entry_time": f"{trade.entry_time:%Y-%m-%dT%H:%M:%SZ}",
        "entry_price": float(trade.entry_price),
        "exit_time": f"{trade.exit_time:%Y-%m-%dT%H:%M:%SZ}",
        "exit_price": float(trade.exit_price),
        "exit_reason": trade.exit_reason,
        "pnl": float(trade.pnl),
        "return_pct": pytest.approx(100 * float(trade.pnl / (trade.quantity * trade.entry_price))),
        "commission": float(trade.commission),
        "r_multiple": trade.r_multiple,
        "no_r_reason": None,
    }


def test_an_open_position(completed: Backtest) -> None:
    trade = completed.trades.filter(exit_time=None).earliest("symbol")
    assert as_json(OpenPositionSchema.model_validate(trade)) == {
        "symbol": trade.symbol,
        "shares": float(trade.quantity),
        "entry_time": f"{trade.entry_time:%Y-%m-%dT%H:%M:%SZ}",
        "entry_price": float(trade.entry_price),
        "last_price": float(trade.exit_price),
        "stop_price": float(trade.stop_price or 0),
        "target_price": None,
        "unrealized_pnl": float(trade.pnl),
        "return_pct": 100 * trade.return_fraction,
        "commission": float(trade.commission),
    }


def test_the_equity_curve(completed: Backtest) -> None:
    points = as_json(with_results(completed))["equity_curve"]
    assert points[0] == {"time": "2005-01-03T05:00:00Z", "equity": 100_000.0}
    assert points[-1]["equity"] == completed.metrics["final_equity"]
    assert datetime.fromisoformat(points[-1]["time"]) == datetime(2010, 12, 31, 5, tzinfo=UTC)


def test_a_queued_backtest_has_no_results(make: Make) -> None:
    data = as_json(with_results(make()))
    assert data["status"] == "queued"
    assert (data["metrics"], data["doubled_costs"], data["started_at"], data["error"]) == (None,) * 4
    assert data["equity_curve"] == data["trades"] == data["open_positions"] == []
    assert data["provenance"]["data"] == {}


def test_a_failed_backtest_has_an_error(make: Make) -> None:
    backtest = make()
    backtest.status, backtest.error = Backtest.Status.FAILED, "No bars."
    assert BacktestSummarySchema.model_validate(backtest).error == "No bars."


def test_a_summary_needs_no_query_and_the_results_two(
    completed: Backtest, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        summary = as_json(BacktestSummarySchema.model_validate(completed))
    with django_assert_num_queries(2):
        full = as_json(with_results(completed))
    assert full.keys() - summary.keys() == RESULTS
    assert summary == {name: full[name] for name in summary}
