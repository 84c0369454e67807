"""Analysis: what the curve and the trades of a backtest say beyond its headline figures. Arrays in, values out."""

from backtests.research.analysis.calendar_returns import Cell, Year, calendar_returns
from backtests.research.analysis.distributions import Histogram, histogram
from backtests.research.analysis.drawdowns import Drawdown, worst_drawdowns
from backtests.research.analysis.rolling import ROLLING_SESSIONS, rolling_sharpe

__all__ = [
    "ROLLING_SESSIONS",
    "Cell",
    "Drawdown",
    "Histogram",
    "Year",
    "calendar_returns",
    "histogram",
    "rolling_sharpe",
    "worst_drawdowns",
]
