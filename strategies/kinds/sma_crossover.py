"""SMA crossover: two simple moving averages of the close."""

from collections.abc import Sequence

from strategies.kinds.average_crossover import AverageCrossover
from strategies.kinds.averages import simple_averages
from strategies.kinds.base import Param
from tradedesk.core.bars import Floats


class SmaCrossover(AverageCrossover):
    key = "sma_crossover"
    name = "SMA crossover"
    description = "Buys when a fast moving average crosses above a slow one; sells when it crosses below."
    average = "SMA"

    fast = Param(
        10, low=2, high=400, step=1, search=(5, 30, 1), label="Fast average", help="Bars in the fast average."
    )
    slow = Param(
        30, low=3, high=400, step=1, search=(10, 70, 2), label="Slow average", help="Bars in the slow average."
    )

    def warmup(self) -> int:
        """The slow window, and one bar to cross from."""
        return self.slow + 1

    @staticmethod
    def averages(close: Floats, periods: Sequence[int]) -> Floats:
        return simple_averages(close, periods)
