from backtests.services.optimizer.candidates import open_as_backtest, ranked, save_as_strategy
from backtests.services.optimizer.checks import InvalidRun
from backtests.services.optimizer.control import cancel, pause, resume, time_left
from backtests.services.optimizer.create import create_ranking, create_search
from backtests.services.optimizer.delete import delete_run
from backtests.services.optimizer.estimates import Estimate, estimate
from backtests.services.optimizer.markets import markets_of
from backtests.services.optimizer.revival import revive
from backtests.services.optimizer.work import run_chunk

__all__ = [
    "Estimate",
    "InvalidRun",
    "cancel",
    "create_ranking",
    "create_search",
    "delete_run",
    "estimate",
    "markets_of",
    "open_as_backtest",
    "pause",
    "ranked",
    "resume",
    "revive",
    "run_chunk",
    "save_as_strategy",
    "time_left",
]
