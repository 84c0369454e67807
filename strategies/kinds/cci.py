"""CCI: Lambert's commodity channel index, how far the typical price lies from its average."""

import numpy as np

from strategies.kinds.averages import simple_average
from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import crossings, exceeds
from strategies.kinds.deviations import mean_deviation
from strategies.kinds.strength import certain
from strategies.kinds.wording import level_words
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.money import PLACES
from tradedesk.core.signals import Side, Signals

SCALE = 0.015  # Lambert's: about three in four values then lie between -100 and 100
LEVEL = 100.0


class Cci(Kind):
    key = "cci"
    name = "Commodity channel index"
    description = (
        "Buys when the CCI leaves oversold, crossing above minus the level; sells when it leaves overbought."
    )
    overlay = False

    period = Param(
        20, low=2, high=400, step=1, search=(10, 40, 5), label="Period", help="Bars in the index's averages."
    )
    level = Param(
        100.0,
        low=1.0,
        high=400.0,
        step=1.0,
        search=(50.0, 200.0, 25.0),
        label="Level",
        help="Overbought above it, oversold below minus it.",
    )

    def warmup(self) -> int:
        """The window, and one bar to cross from."""
        return self.period + 1

    def signals(self, bars: Bars) -> Signals:
        index = self._index(bars)
        buy = crossings(index, -self.level, LEVEL) == Side.BUY
        sell = crossings(index, self.level, LEVEL) == Side.SELL
        side = buy.astype(np.int8) - sell
        return Signals(side, certain(side), {self._name: index})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._words(Side(signals.side[t]), signals.lines[self._name][t])

    def _index(self, bars: Bars) -> Floats:
        """(typical price - its average) / (0.015 x its mean deviation), (n,); NaN where the price stands still.

        Lambert, Commodities 10 (1980). The typical price is a third of high + low + close; the third cancels out.
        """
        typical = (bars.high + bars.low + bars.close).round(PLACES)
        average = simple_average(typical, self.period)
        deviation = mean_deviation(typical, average, self.period)
        moves = exceeds(deviation, 0.0, typical)
        index = np.full(len(bars), np.nan)
        index[moves] = (typical - average)[moves] / (SCALE * deviation[moves])
        return index

    def _words(self, side: Side, index: float) -> str:
        if np.isnan(index):
            return f"No CCI: the price has not moved for {self.period} bars"
        return level_words(side, "CCI", index, -self.level, self.level)

    @property
    def _name(self) -> str:
        return f"CCI {self.period}"
