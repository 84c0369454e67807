"""Shared by the tests of backtests in the database."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from backtests.engine.simulation import Simulation, simulate
from backtests.models import Backtest, BacktestCurve, BacktestTrade
from strategies.kinds.sma_crossover import SmaCrossover
from tradedesk.marketdata.library import load_many

NOW = datetime(2024, 5, 6, 14, 30, tzinfo=UTC)

Clock = Callable[[], datetime]
Make = Callable[..., Backtest]
Published = list[tuple[str, tuple[int, ...]]]


def simulated(backtest: Backtest) -> Simulation:
    """The same backtest, simulated without the database."""
    return simulate(
        SmaCrossover(fast=20, slow=50),
        load_many(None, ["AAPL", "MSFT"], "1Day"),
        capital=100_000,
        rules=backtest.risk_rules(),
        costs=backtest.cost_rules(),
        start=datetime(2005, 1, 3, 5, tzinfo=UTC),
        end=datetime(2011, 1, 1, 4, 59, 59, tzinfo=UTC),
    )


def at_each_reading(clock: Clock, *actions: Callable[[], Any] | None) -> Clock:
    """A clock that runs the next action each time before it is read, so just before the run writes."""
    waiting = list(actions)

    def read() -> datetime:
        if waiting and (action := waiting.pop(0)):
            action()
        return clock()

    return read


def stored_rows() -> tuple[int, int]:
    return BacktestTrade.objects.count(), BacktestCurve.objects.count()
