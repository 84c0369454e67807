"""SMA crossover: two simple moving averages of the close."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.averages import simple_average, simple_averages
from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import crossings, crossings_of_each
from strategies.kinds.strength import certain
from strategies.kinds.wording import crossing_words
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Signals


class SmaCrossover(Kind):
    key = "sma_crossover"
    name = "SMA crossover"
    description = "Buys when a fast moving average crosses above a slow one; sells when it crosses below."

    fast = Param(
        10, low=2, high=400, step=1, search=(5, 30, 1), label="Fast average", help="Bars in the fast average."
    )
    slow = Param(
        30, low=3, high=400, step=1, search=(10, 70, 2), label="Slow average", help="Bars in the slow average."
    )

    def check(self) -> str:
        if self.fast < self.slow:
            return ""
        return f"The fast average ({self.fast}) must be shorter than the slow average ({self.slow})."

    def warmup(self) -> int:
        """The slow window, and one bar to cross from."""
        return self.slow + 1

    def signals(self, bars: Bars) -> Signals:
        fast, slow = (simple_average(bars.close, period) for period in (self.fast, self.slow))
        side = crossings(fast, slow, bars.close)
        return Signals(side, certain(side), dict(zip(self._names, (fast, slow), strict=True)))

    @classmethod
    def sides_of(cls, kinds: Sequence["SmaCrossover"], bars: Bars) -> NDArray[np.int8]:
        windows = np.array([(kind.fast, kind.slow) for kind in kinds])
        periods, rows = np.unique(windows, return_inverse=True)
        averages = simple_averages(bars.close, periods.tolist())
        return crossings_of_each(averages, rows.reshape(windows.shape), bars.close, [k.warmup() for k in kinds])

    def explain(self, signals: Signals, t: int) -> str:
        fast, slow = self._names
        return self.warming_up(t) or crossing_words(
            signals.side[t], fast, signals.lines[fast][t], slow, signals.lines[slow][t]
        )

    @property
    def _names(self) -> tuple[str, str]:
        return f"SMA {self.fast}", f"SMA {self.slow}"
