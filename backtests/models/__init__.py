from backtests.models.backtest import Backtest
from backtests.models.candidate import Candidate
from backtests.models.defaults import BacktestDefaults
from backtests.models.evidence import Evidence
from backtests.models.optimizer_run import ALL_SYMBOLS, OptimizerChunk, OptimizerRun
from backtests.models.result import BacktestCurve, BacktestTrade
from backtests.models.trial_registry import TrialRegistry

__all__ = [
    "ALL_SYMBOLS",
    "Backtest",
    "BacktestCurve",
    "BacktestDefaults",
    "BacktestTrade",
    "Candidate",
    "Evidence",
    "OptimizerChunk",
    "OptimizerRun",
    "TrialRegistry",
]
