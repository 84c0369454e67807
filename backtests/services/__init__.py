from backtests.services.control import cancel_backtest, delete_backtest
from backtests.services.create import create_backtest
from backtests.services.inputs import InvalidBacktest
from backtests.services.recovery import recover_backtests
from backtests.services.repeat import NothingToCompare, repeat_backtest
from backtests.services.room import NoRoom
from backtests.services.run import run_backtest

__all__ = [
    "InvalidBacktest",
    "NoRoom",
    "NothingToCompare",
    "cancel_backtest",
    "create_backtest",
    "delete_backtest",
    "recover_backtests",
    "repeat_backtest",
    "run_backtest",
]
