"""The result hash: equal for equal values from any database, different for the smallest change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.services import run_backtest
from backtests.services.record import curve_row, trade_rows
from backtests.services.result_hash import result_hash_of
from tests.backtests.runs import Clock, Make, simulated

TRADE: dict[str, Any] = {
    "symbol": "AAPL",
    "quantity": Decimal("12.000000"),
    "entry_time": datetime(2005, 1, 4, 5, tzinfo=UTC),
    "entry_price": Decimal("30.500000"),
    "stop_price": Decimal("27.450000"),
    "target_price": None,
    "exit_time": datetime(2005, 1, 5, 5, tzinfo=UTC),
    "exit_price": Decimal("33.500000"),
    "exit_reason": "signal",
    "commission": Decimal("0.000000"),
    "pnl": Decimal("36.000000"),
}
CURVE: dict[str, Any] = {"time": [0, 86400], "equity": [100_000.0, 100_036.1], "buy_and_hold": [1.0, 2.0]}


def hash_with(curve: dict[str, Any] | None = None, **trade: Any) -> str:
    return result_hash_of([BacktestTrade(**(TRADE | trade))], BacktestCurve(**(CURVE | (curve or {}))))


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "MSFT"},
        {"quantity": Decimal("12.000001")},
        {"entry_time": datetime(2005, 1, 4, 6, tzinfo=UTC)},
        {"entry_price": Decimal("30.500001")},
        {"stop_price": Decimal("27.450001")},
        {"target_price": Decimal(40)},
        {"exit_time": None},
        {"exit_price": Decimal("33.500001")},
        {"exit_reason": "stop_loss"},
        {"commission": Decimal("0.000001")},
        {"pnl": Decimal("36.000001")},
        {"curve": {"time": [0, 86401]}},
        {"curve": {"equity": [100_000.0, 100_036.10000000002]}},
        {"curve": {"buy_and_hold": [1.0, 2.0000000000000004]}},
    ],
)
def test_the_smallest_change_gives_another_hash(changes: dict[str, Any]) -> None:
    assert hash_with(**changes) != hash_with()


@pytest.mark.parametrize(
    "changes",
    [
        # The forms in which databases return the same values.
        {"quantity": Decimal(12), "pnl": Decimal("3.6E+1")},
        {"commission": Decimal("-0.000000")},
        {"entry_time": datetime(2005, 1, 4, tzinfo=timezone(timedelta(hours=-5)))},
        {"curve": {"equity": [100_000, 100_036.1]}},
    ],
)
def test_the_form_of_a_value_does_not_matter(changes: dict[str, Any]) -> None:
    assert hash_with(**changes) == hash_with()


def test_the_order_of_the_trades_matters() -> None:
    first, second = BacktestTrade(**TRADE), BacktestTrade(**(TRADE | {"symbol": "MSFT"}))
    curve = BacktestCurve(**CURVE)
    assert result_hash_of([first, second], curve) != result_hash_of([second, first], curve)


def test_the_recorded_hash_is_that_of_the_stored_rows(completed: Backtest) -> None:
    recorded = completed.provenance["result"]
    assert (
        result_hash_of(completed.trades.order_by("id"), BacktestCurve.objects.get(backtest=completed)) == recorded
    )


def test_equal_runs_have_equal_hashes_and_other_rules_another(make: Make, clock: Clock) -> None:
    hashes = []
    for backtest in (make(), make(), make(stop_loss_pct=0.2)):
        run_backtest(backtest.pk, clock)
        backtest.refresh_from_db()
        hashes.append(backtest.provenance["result"])
    assert hashes[0] == hashes[1] != hashes[2]


def test_it_changes_with_the_last_equity(completed: Backtest) -> None:
    simulation = simulated(completed)
    trades = trade_rows(completed, simulation.result)
    assert result_hash_of(trades, curve_row(completed, simulation)) == completed.provenance["result"]
    simulation.result.equity[-1] += 1e-6
    other = replace(simulation, result=simulation.result)
    assert result_hash_of(trades, curve_row(completed, other)) != completed.provenance["result"]
