"""The kernel: the compiled part of a backtest, long only, with shared cash.

trading is the loop itself, parameter_sweep runs it for many sets of signals, fast_forward skips the bars without
events; weekly_sums is what the trial registry needs of each result; lots and queues are their data. Sizes,
refusals, prices, costs and rounding are the functions of tradedesk.core that paper and live trading call too.
"""

from backtests.engine.kernel.lots import LOT, STILL_OPEN, Lots, order_of_sale
from backtests.engine.kernel.parameter_sweep import write_figures, write_returns
from backtests.engine.kernel.trading import DONE, PROGRESS_ROWS, STOP, trade
from backtests.engine.kernel.weekly_sums import TRIAL, write_weekly_sums

__all__ = [
    "DONE",
    "LOT",
    "PROGRESS_ROWS",
    "STILL_OPEN",
    "STOP",
    "TRIAL",
    "Lots",
    "order_of_sale",
    "trade",
    "write_figures",
    "write_returns",
    "write_weekly_sums",
]
