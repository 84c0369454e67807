"""The equity of several backtests in one chart, as a percentage of the initial capital."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backtests.models import Backtest, BacktestCurve
from tradedesk.core.bars import Floats
from tradedesk.marketdata.chart_columns import DAY, chart_times, line, point_spans

# The value at which each line starts.
BASE = 100.0


def normalized(curve: BacktestCurve, capital: float) -> Floats:
    """The equity (n,) at the end of each session, scaled so that the capital is 100."""
    return BASE * np.array(curve.equity, float) / capital


def comparison_chart(backtests: Sequence[Backtest]) -> dict[str, Any]:
    """{"unit", "base": 100, "lines": [{"name", "time", "values"}]}, one per backtest in their order. One query."""
    curves = BacktestCurve.objects.in_bulk([backtest.pk for backtest in backtests])
    lines = []
    for backtest in backtests:
        curve = curves.get(backtest.pk, BacktestCurve())
        _, last = point_spans(len(curve.equity))
        equity = normalized(curve, float(backtest.initial_capital))[last]
        name = f"{backtest.strategy_name} #{backtest.pk}"
        lines.append(line(name, chart_times(curve.moments()[last], DAY), equity, 3))
    return {"unit": DAY, "base": BASE, "lines": lines}
