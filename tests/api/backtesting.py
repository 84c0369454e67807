"""Requests for backtests, and metrics under the names of the API."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from backtests.services import run_backtest
from strategies.models import Strategy
from tests.api.client import ApiClient

URL = "/api/v1/backtests"
WALL = datetime(2026, 1, 5, 12, tzinfo=UTC)
# Public name, stored name, and the factor between the two.
METRICS = [
    ("total_return_pct", "total_return", 100),
    ("cagr_pct", "cagr", 100),
    ("sharpe_ratio", "sharpe", 1),
    ("sortino_ratio", "sortino", 1),
    ("calmar_ratio", "calmar", 1),
    ("max_drawdown_pct", "max_drawdown", 100),
    ("max_drawdown_days", "max_drawdown_days", 1),
    ("win_rate", "win_rate", 100),
    ("profit_factor", "profit_factor", 1),
    ("expectancy", "expectancy", 1),
    ("mean_r_multiple", "mean_r_multiple", 1),
    ("exposure_pct", "exposure", 100),
    ("num_trades", "trades", 1),
    ("final_equity", "final_equity", 1),
    ("buy_and_hold_return_pct", "buy_and_hold_return", 100),
    ("alpha_pct", "alpha", 100),
    ("beta", "beta", 1),
    ("days", "days", 1),
]


def public(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Stored metrics as the API returns them."""
    values = {name: (metrics.get(stored), factor) for name, stored, factor in METRICS}
    return {name: None if value is None else factor * value for name, (value, factor) in values.items()}


def request_body(strategy: Strategy, **changes: Any) -> dict[str, Any]:
    dates = {"start_date": "2005-01-03", "end_date": "2010-12-31"}
    return {"strategy_id": strategy.pk, **dates, "initial_capital": 100_000, "slippage_bps": 0, **changes}


def run_completed(client: ApiClient, strategy: Strategy, **changes: Any) -> Any:
    pk = client.post(URL, request_body(strategy, **changes)).json["id"]
    run_backtest(pk, lambda: WALL)
    return client.get(f"{URL}/{pk}").json
