"""Analysis: the details of an equity curve and of its trades, beyond the metrics. Arrays in, values out."""

from backtests.research.analysis.calendar_returns import Cell, Year, calendar_returns
from backtests.research.analysis.distributions import Distribution, distribution
from backtests.research.analysis.drawdowns import Drawdown, worst_drawdowns
from backtests.research.analysis.rolling import ROLLING_SESSIONS, rolling_sharpe

__all__ = [
    "ROLLING_SESSIONS",
    "Cell",
    "Distribution",
    "Drawdown",
    "Year",
    "calendar_returns",
    "distribution",
    "rolling_sharpe",
    "worst_drawdowns",
]
