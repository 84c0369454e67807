from backtests.services.cancel import cancel_backtest
from backtests.services.checks import InvalidBacktest
from backtests.services.create import create_backtest
from backtests.services.delete import delete_backtest
from backtests.services.repeat import NothingToCompare, repeat_backtest
from backtests.services.run import run_backtest
from backtests.services.sweep import sweep_backtests

__all__ = [
    "InvalidBacktest",
    "NothingToCompare",
    "cancel_backtest",
    "create_backtest",
    "delete_backtest",
    "repeat_backtest",
    "run_backtest",
    "sweep_backtests",
]
