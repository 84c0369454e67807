from backtests.services.optimizer.candidates import open_as_backtest, ranked, save_as_strategy
from backtests.services.optimizer.control import cancel, delete_run, pause, resume, time_left
from backtests.services.optimizer.create import create_ranking, create_search
from backtests.services.optimizer.estimates import Estimate, estimate
from backtests.services.optimizer.inputs import InvalidRun
from backtests.services.optimizer.recovery import recover_runs
from backtests.services.optimizer.starts import warnings_of
from backtests.services.optimizer.universes import universes_of
from backtests.services.optimizer.work import run_chunk

__all__ = [
    "Estimate",
    "InvalidRun",
    "cancel",
    "create_ranking",
    "create_search",
    "delete_run",
    "estimate",
    "open_as_backtest",
    "pause",
    "ranked",
    "recover_runs",
    "resume",
    "run_chunk",
    "save_as_strategy",
    "time_left",
    "universes_of",
    "warnings_of",
]
