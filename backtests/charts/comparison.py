"""The equity of several backtests in one chart, each on a scale of its own capital."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backtests.charts.points import groups, points, written
from backtests.models import Backtest, BacktestCurve
from tradedesk.core.bars import Floats, Timeframe

# What each begins with.
BASE = 100.0


def normalized(curve: BacktestCurve, capital: float) -> Floats:
    """The equity at the end of each session (n,), the capital being 100."""
    return BASE * np.array(curve.equity, float) / capital


def comparison_chart(backtests: Sequence[Backtest]) -> dict[str, Any]:
    """A line for each, named as the page names it, in their order. One query."""
    curves = BacktestCurve.objects.in_bulk([backtest.pk for backtest in backtests])
    lines = []
    for backtest in backtests:
        curve = curves.get(backtest.pk, BacktestCurve())
        _, last = groups(len(curve.equity))
        times = written(curve.moments()[last], Timeframe.DAY)
        equity = normalized(curve, float(backtest.initial_capital))[last]
        lines.append({"name": f"{backtest.strategy_name} #{backtest.pk}", "data": points(times, equity, 3)})
    return {"base": BASE, "lines": lines}
