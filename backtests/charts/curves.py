"""Charts by session: equity and drawdown, rolling Sharpe ratio, exposure; empty until the backtest is
completed."""

from typing import Any

import numpy as np

from backtests.models import Backtest, BacktestCurve
from backtests.research.analysis import ROLLING_SESSIONS, rolling_sharpe
from tradedesk.core.bars import Floats, Timeframe, Times
from tradedesk.core.metrics import periods_per_year, session_returns
from tradedesk.marketdata.chart_points import Points, chart_times, point_spans, points, reduce_spans

Lines = dict[str, list[dict[str, Any]]]


def equity_chart(backtest: Backtest) -> dict[str, Points]:
    """Equity and buy and hold in dollars, drawdown in percent."""
    curve = _curve(backtest)
    equity = np.array(curve.equity, float)
    capital = float(backtest.initial_capital)
    peaks = np.maximum(np.maximum.accumulate(equity), capital)
    drawdown = 100 * (np.maximum(equity, 0.0) / peaks - 1)  # -100% for an account that owes money
    first, last = point_spans(len(equity))
    times = chart_times(curve.moments()[last], Timeframe.DAY)
    return {
        "equity": points(times, equity[last], 2),
        "buy_and_hold": points(times, np.array(curve.buy_and_hold, float)[last], 2),
        "drawdown": points(times, reduce_spans(np.minimum, drawdown, first), 2),
    }


def rolling_sharpe_chart(backtest: Backtest) -> Lines:
    """The Sharpe ratio of the last 126 sessions, of the strategy and of buy and hold."""
    curve = _curve(backtest)
    capital, per_year = float(backtest.initial_capital), periods_per_year(curve.moments())
    strategy, benchmark = (
        rolling_sharpe(session_returns(np.array(equity, float), capital), per_year=per_year)
        for equity in (curve.equity, curve.buy_and_hold)
    )
    if not np.isfinite(strategy).any():
        return {"lines": []}
    times = curve.moments()[ROLLING_SESSIONS - 1 :]
    return {"lines": [_line("Strategy", times, strategy, 3), _line("Buy and hold", times, benchmark, 3)]}


def exposure_chart(backtest: Backtest) -> Lines:
    """The percentage of the equity in positions."""
    curve = _curve(backtest)
    invested = 100 * np.array(curve.invested, float)
    return {"lines": [_line("Exposure", curve.moments(), invested, 2)] if len(invested) else []}


def _curve(backtest: Backtest) -> BacktestCurve:
    return BacktestCurve.objects.filter(backtest=backtest).first() or BacktestCurve()


def _line(name: str, times: Times, values: Floats, places: int) -> dict[str, Any]:
    """A named line. Fewer values than times when the account went to zero."""
    _, last = point_spans(len(values))
    return {"name": name, "data": points(chart_times(times[last], Timeframe.DAY), values[last], places)}
