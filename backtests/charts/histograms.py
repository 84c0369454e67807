"""Histograms of the closed trades: what they came to in dollars, and per dollar that their stop put at risk."""

from typing import Any

import numpy as np

from backtests.models import Backtest
from backtests.research.analysis import distribution
from tradedesk.core.bars import Floats

Bins = dict[str, list[dict[str, float]]]


def profit_chart(backtest: Backtest) -> Bins:
    return _bins(_of_closed(backtest, "pnl"))


def r_multiple_chart(backtest: Backtest) -> Bins:
    return _bins(_of_closed(backtest, "r_multiple"))


def _of_closed(backtest: Backtest, name: str) -> Floats:
    """That column of the closed trades, without those that have no value in it."""
    closed = backtest.trades.exclude(exit_time=None).exclude(**{name: None})
    values: list[Any] = list(closed.values_list(name, flat=True))
    return np.array(values, float)


def _bins(values: Floats) -> Bins:
    found = distribution(values)
    edges = found.edges.round(6).tolist()
    return {
        "bins": [
            {"from": low, "to": high, "count": count}
            for low, high, count in zip(edges[:-1], edges[1:], found.counts.tolist(), strict=True)
        ]
    }
