from backtests.models.backtest import Backtest
from backtests.models.result import BacktestCurve, BacktestTrade

__all__ = ["Backtest", "BacktestCurve", "BacktestTrade"]
