"""EMA crossover: two exponential moving averages of the close."""

from collections.abc import Sequence

import numpy as np
import talib

from strategies.kinds.average_crossover import AverageCrossover
from strategies.kinds.base import Param
from tradedesk.core.bars import Floats


class EmaCrossover(AverageCrossover):
    key = "ema_crossover"
    name = "EMA crossover"
    description = "Buys when a fast exponential average crosses above a slow one; sells when it crosses below."
    average = "EMA"

    fast = Param(
        10, low=2, high=400, step=1, search=(2, 100, 2), label="Fast average", help="Bars in the fast average."
    )
    slow = Param(
        20, low=3, high=400, step=1, search=(5, 300, 5), label="Slow average", help="Bars in the slow average."
    )

    def warmup(self) -> int:
        """4 x slow: the start value, the mean of the first `slow` closes, then has a weight of 0.0025."""
        return 4 * self.slow

    def memory(self) -> int:
        """10 x slow: the start value then has a weight of 2e-8 in the average.

        Measured on random walks: the average differs from that of the full history by less than 1e-9 of the close,
        which is the tolerance.
        """
        return 10 * self.slow

    @staticmethod
    def averages(close: Floats, periods: Sequence[int]) -> Floats:
        return np.array([talib.EMA(close, period) for period in periods])
