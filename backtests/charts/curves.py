"""Charts by session: equity and drawdown, rolling Sharpe ratio, exposure; empty until the backtest is
completed."""

from typing import Any

import numpy as np

from backtests.models import Backtest, BacktestCurve
from backtests.research.analysis import ROLLING_SESSIONS, rolling_sharpe
from tradedesk.core.bars import Floats, Times
from tradedesk.core.metrics import periods_per_year, session_returns
from tradedesk.marketdata.chart_columns import DAY, chart_times, column, line, point_spans, reduce_spans


def equity_chart(backtest: Backtest) -> dict[str, Any]:
    """{"unit", "name", "time", "equity", "benchmark", "benchmark_name", "drawdown"}: dollars and percent."""
    curve = _curve(backtest)
    equity = np.array(curve.equity, float)
    capital = float(backtest.initial_capital)
    peaks = np.maximum(np.maximum.accumulate(equity), capital)
    drawdown = 100 * (np.maximum(equity, 0.0) / peaks - 1)  # -100% for an account that owes money
    first, last = point_spans(len(equity))
    return {
        "unit": DAY,
        "name": "Strategy",
        "time": chart_times(curve.moments()[last], DAY),
        "equity": column(equity[last], 2),
        "benchmark": column(np.array(curve.buy_and_hold, float)[last], 2),
        "benchmark_name": backtest.benchmark_name,
        "drawdown": column(reduce_spans(np.minimum, drawdown, first), 2),
    }


def rolling_sharpe_chart(backtest: Backtest) -> dict[str, Any]:
    """The Sharpe ratio of the last 126 sessions, of the strategy and of buy and hold."""
    curve = _curve(backtest)
    capital, per_year = float(backtest.initial_capital), periods_per_year(curve.moments())
    strategy, benchmark = (
        rolling_sharpe(session_returns(np.array(equity, float), capital), per_year=per_year)
        for equity in (curve.equity, curve.buy_and_hold)
    )
    if not np.isfinite(strategy).any():
        return {"unit": DAY, "lines": []}
    times = curve.moments()[ROLLING_SESSIONS - 1 :]
    benchmark_line = _line(backtest.benchmark_name, times, benchmark, 3)
    return {"unit": DAY, "lines": [_line("Strategy", times, strategy, 3), benchmark_line]}


def exposure_chart(backtest: Backtest) -> dict[str, Any]:
    """The percentage of the equity in positions."""
    curve = _curve(backtest)
    invested = 100 * np.array(curve.invested, float)
    return {"unit": DAY, "lines": [_line("Exposure", curve.moments(), invested, 2)] if len(invested) else []}


def _curve(backtest: Backtest) -> BacktestCurve:
    return BacktestCurve.objects.filter(backtest=backtest).first() or BacktestCurve()


def _line(name: str, times: Times, values: Floats, places: int) -> dict[str, Any]:
    """A named line. Fewer values than times when the account went to zero."""
    _, last = point_spans(len(values))
    return line(name, chart_times(times[last], DAY), values[last], places)
