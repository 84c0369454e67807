"""Histograms of the closed trades: their P&L in dollars, and their R-multiples."""

from typing import Any

import numpy as np

from backtests.models import Backtest
from backtests.research.analysis import distribution
from tradedesk.core.bars import Floats


def profit_chart(backtest: Backtest) -> dict[str, Any]:
    return _bins(_closed_values(backtest, "pnl"))


def r_multiple_chart(backtest: Backtest) -> dict[str, Any]:
    return _bins(_closed_values(backtest, "r_multiple"))


def _closed_values(backtest: Backtest, name: str) -> Floats:
    """A column of the closed trades, without trades that have no value in it."""
    closed = backtest.trades.exclude(exit_time=None).exclude(**{name: None})
    values: list[Any] = list(closed.values_list(name, flat=True))
    return np.array(values, float)


def _bins(values: Floats) -> dict[str, Any]:
    """{"edges": k + 1, "counts": k}; zero is an edge."""
    bins = distribution(values)
    return {"edges": bins.edges.round(6).tolist(), "counts": bins.counts.tolist()}
