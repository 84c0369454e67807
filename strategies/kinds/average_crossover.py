"""Base class for crossovers of two moving averages of the close."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import crossings, crossings_of_each
from strategies.kinds.explanations import crossing_text
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Signals


class AverageCrossover(Kind):
    """A subclass defines the average and its parameters. average: its name on charts, such as "SMA"."""

    average: ClassVar[str]

    # Each subclass declares these with its own defaults.
    fast: Param[int]
    slow: Param[int]

    @staticmethod
    @abstractmethod
    def averages(close: Floats, periods: Sequence[int]) -> Floats:
        """The average of the close for each period, (p, n); NaN until there are enough bars."""

    def check(self) -> str:
        if self.fast < self.slow:
            return ""
        return f"The fast average ({self.fast}) must be shorter than the slow average ({self.slow})."

    def signals(self, bars: Bars) -> Signals:
        fast, slow = self.averages(bars.close, (self.fast, self.slow))
        side = crossings(fast, slow, bars.close)
        return Signals(side, None, dict(zip(self._names, (fast, slow), strict=True)))

    @classmethod
    def sides_in_batch(cls, kinds: Sequence["AverageCrossover"], bars: Bars) -> NDArray[np.int8]:
        windows = np.array([(kind.fast, kind.slow) for kind in kinds])
        periods, rows = np.unique(windows, return_inverse=True)
        averages = cls.averages(bars.close, periods.tolist())
        return crossings_of_each(averages, rows.reshape(windows.shape), bars.close, [k.warmup() for k in kinds])

    def explain(self, signals: Signals, t: int) -> str:
        fast, slow = self._names
        return self.warming_up(t) or crossing_text(
            signals.side[t], fast, signals.lines[fast][t], slow, signals.lines[slow][t]
        )

    @property
    def _names(self) -> tuple[str, str]:
        return f"{self.average} {self.fast}", f"{self.average} {self.slow}"
