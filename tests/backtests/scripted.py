"""Bars and signals with given values, for tests of the engine and of simulations."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from backtests.engine.results import Result
from backtests.engine.run import run
from strategies.kinds.base import Kind
from tradedesk.core.bars import Bars, Times
from tradedesk.core.rules import Costs, RiskRules
from tradedesk.core.signals import Signals

Row = tuple[float, float, float, float]  # open, high, low, close


def days(count: int, first: str = "2024-01-01") -> Times:
    """Midnights in New York (winter) of consecutive days. Weekends are included; the engine ignores them."""
    return np.datetime64(first, "us") + np.arange(count) * np.timedelta64(1, "D") + np.timedelta64(5, "h")


def day(number: int) -> datetime:
    """The time of bar `number` of `days`."""
    moment: datetime = days(number + 1)[number].item()
    return moment.replace(tzinfo=UTC)


def bars_of(rows: Sequence[Row], time: Times | None = None) -> Bars:
    prices = np.array(rows, dtype=np.float64).reshape(-1, 4)
    open_, high, low, close = (np.ascontiguousarray(prices[:, column]) for column in range(4))
    return Bars(days(len(rows)) if time is None else time, open_, high, low, close, np.full(len(rows), 1e6))


def flat(*closes: float) -> list[Row]:
    """Bars whose four prices are equal."""
    return [(close, close, close, close) for close in closes]


def signals_of(count: int, buy: Mapping[int, float] | Sequence[int] = (), sell: Sequence[int] = ()) -> Signals:
    """BUY at the rows of `buy` (with strength 1, or that of the mapping), SELL at the rows of `sell`."""
    side, strength = np.zeros(count, np.int8), np.zeros(count)
    for row in buy:
        side[row], strength[row] = 1, buy[row] if isinstance(buy, Mapping) else 1.0
    for row in sell:
        side[row], strength[row] = -1, 1.0
    return Signals(side, strength)


def run_one(
    rows: Sequence[Row],
    buy: Mapping[int, float] | Sequence[int],
    sell: Sequence[int] = (),
    *,
    capital: float = 10_000.0,
    costs: Costs | None = None,
    **rules: Any,
) -> Result:
    """One symbol, X. Without other rules the whole equity goes into one position, and no stop is touched."""
    settings = {"position_size_pct": 1.0, "stop_loss_pct": 0.99} | rules
    return run(
        {"X": bars_of(rows)},
        {"X": signals_of(len(rows), buy, sell)},
        capital=capital,
        rules=RiskRules(**settings),
        costs=costs or Costs(),
    )


def run_many(
    rows: dict[str, list[Row]],
    buy: dict[str, Any],
    sell: dict[str, Any] | None = None,
    *,
    capital: float = 10_000.0,
    costs: Costs | None = None,
    **rules: Any,
) -> Result:
    settings = {"position_size_pct": 0.5, "max_positions": 10, "stop_loss_pct": 0.99} | rules
    return run(
        {symbol: bars_of(own) for symbol, own in rows.items()},
        {
            symbol: signals_of(len(own), buy.get(symbol, ()), (sell or {}).get(symbol, ()))
            for symbol, own in rows.items()
        },
        capital=capital,
        rules=RiskRules(**settings),
        costs=costs or Costs(),
    )


class Scripted(Kind):
    """Has the given signals, whatever the bars."""

    key, name, description = "scripted", "Scripted", "Signals from a test."

    def __init__(self, script: Mapping[str, Signals]) -> None:
        super().__init__()
        self.script = script
        self.seen: dict[str, Bars] = {}

    def warmup(self) -> int:
        return 1

    def signals(self, bars: Bars) -> Signals:
        raise AssertionError("only signals_across is called")

    def signals_across(self, bars: Mapping[str, Bars]) -> dict[str, Signals]:
        self.seen = dict(bars)
        return {
            symbol: Signals(self.script[symbol].side[: len(own)], self.script[symbol].strength[: len(own)])
            for symbol, own in bars.items()
        }

    def explain(self, signals: Signals, t: int) -> str:
        return "A signal from the test."
