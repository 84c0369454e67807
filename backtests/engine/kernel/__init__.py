"""The kernel: the compiled part of a backtest, long only, with shared cash.

trading holds the loop itself, sweeping trades many sets of signals with it; lots and queues are what they keep,
quiet passes over the bars in which nothing happens.
Sizes, refusals, prices, costs and rounding are those of tradedesk.core, the very functions that the paper and the
live desk call.
"""

from backtests.engine.kernel.lots import LOT, STILL_OPEN, Lots, order_of_sale
from backtests.engine.kernel.parameter_sweep import figures_of_each, returns_of_each
from backtests.engine.kernel.trading import DONE, EVERY, STOP, trade

__all__ = [
    "DONE",
    "EVERY",
    "LOT",
    "STILL_OPEN",
    "STOP",
    "Lots",
    "figures_of_each",
    "order_of_sale",
    "returns_of_each",
    "trade",
]
