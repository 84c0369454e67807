"""Curves by session: equity and drawdown, the rolling Sharpe ratio, the exposure; empty until it is completed."""

from typing import Any

import numpy as np

from backtests.charts.points import Points, groups, points, reduced, written
from backtests.models import Backtest, BacktestCurve
from backtests.research.analysis import ROLLING_SESSIONS, rolling_sharpe
from tradedesk.core.bars import Floats, Timeframe, Times
from tradedesk.core.metrics import session_returns

Lines = dict[str, list[dict[str, Any]]]


def equity_chart(backtest: Backtest) -> dict[str, Points]:
    """Equity, buying and holding, and the drawdown in percent."""
    curve = _curve(backtest)
    equity = np.array(curve.equity, float)
    capital = float(backtest.initial_capital)
    drawdown = 100 * (equity / np.maximum(np.maximum.accumulate(equity), capital) - 1)
    first, last = groups(len(equity))
    times = written(curve.moments()[last], Timeframe.DAY)
    return {
        "equity": points(times, equity[last], 2),
        "buy_and_hold": points(times, np.array(curve.buy_and_hold, float)[last], 2),
        "drawdown": points(times, reduced(np.minimum, drawdown, first), 2),
    }


def rolling_sharpe_chart(backtest: Backtest) -> Lines:
    """The Sharpe ratio of the last 126 sessions, and that of buying and holding."""
    curve = _curve(backtest)
    capital = float(backtest.initial_capital)
    own, held = (
        rolling_sharpe(session_returns(np.array(equity, float), capital))
        for equity in (curve.equity, curve.buy_and_hold)
    )
    if not np.isfinite(own).any():
        return {"lines": []}
    times = curve.moments()[ROLLING_SESSIONS - 1 :]
    return {"lines": [_line("Strategy", times, own, 3), _line("Buy and hold", times, held, 3)]}


def exposure_chart(backtest: Backtest) -> Lines:
    """How many percent of the equity stood in positions."""
    curve = _curve(backtest)
    invested = 100 * np.array(curve.invested, float)
    return {"lines": [_line("In positions", curve.moments(), invested, 2)] if len(invested) else []}


def _curve(backtest: Backtest) -> BacktestCurve:
    return BacktestCurve.objects.filter(backtest=backtest).first() or BacktestCurve()


def _line(name: str, times: Times, values: Floats, places: int) -> dict[str, Any]:
    """A named line; an account that was ruined has fewer values than times."""
    _, last = groups(len(values))
    return {"name": name, "data": points(written(times[last], Timeframe.DAY), values[last], places)}
