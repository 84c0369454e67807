from backtests.models.backtest import Backtest
from backtests.models.candidate import Candidate
from backtests.models.evidence import Evidence
from backtests.models.ledger import Tries
from backtests.models.optimizer_run import TOGETHER, OptimizerChunk, OptimizerRun
from backtests.models.result import BacktestCurve, BacktestTrade

__all__ = [
    "TOGETHER",
    "Backtest",
    "BacktestCurve",
    "BacktestTrade",
    "Candidate",
    "Evidence",
    "OptimizerChunk",
    "OptimizerRun",
    "Tries",
]
