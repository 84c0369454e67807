"""Backtests as a program asks for them."""

from datetime import UTC, datetime
from typing import Any

from backtests.services import run_backtest
from strategies.models import Strategy
from tests.api.caller import Caller

URL = "/api/v1/backtests"
WALL = datetime(2026, 1, 5, 12, tzinfo=UTC)


def asked(strategy: Strategy, **changes: Any) -> dict[str, Any]:
    dates = {"start_date": "2005-01-03", "end_date": "2010-12-31"}
    return {"strategy_id": strategy.pk, **dates, "initial_capital": 100_000, **changes}


def completed(caller: Caller, strategy: Strategy, **changes: Any) -> Any:
    pk = caller.post(URL, asked(strategy, **changes)).json["id"]
    run_backtest(pk, lambda: WALL)
    return caller.get(f"{URL}/{pk}").json
