"""CCI: Lambert's commodity channel index, the distance of the typical price from its average."""

import numpy as np

from strategies.kinds.averages import simple_average
from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import crossings, exceeds
from strategies.kinds.deviations import mean_deviation
from strategies.kinds.explanations import level_text
from strategies.kinds.strength import full_strength
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.money import PLACES
from tradedesk.core.signals import Side, Signals

SCALE = 0.015  # Lambert's constant: about 3 of 4 values are then between -100 and 100
LEVEL = 100.0


class Cci(Kind):
    key = "cci"
    name = "Commodity channel index"
    description = "Buys when the CCI crosses above minus the level; sells when it crosses below the level."
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
        return Signals(side, full_strength(side), {self._name: index})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._reason(Side(signals.side[t]), signals.lines[self._name][t])

    def _index(self, bars: Bars) -> Floats:
        """(typical price - its average) / (0.015 x its mean deviation), (n,); NaN where the price does not change.

        Lambert, Commodities 10 (1980). The typical price is a third of high + low + close; the third cancels out.
        """
        typical = (bars.high + bars.low + bars.close).round(PLACES)
        average = simple_average(typical, self.period)
        deviation = mean_deviation(typical, average, self.period)
        moves = exceeds(deviation, 0.0, typical)
        index = np.full(len(bars), np.nan)
        index[moves] = (typical - average)[moves] / (SCALE * deviation[moves])
        return index

    def _reason(self, side: Side, index: float) -> str:
        if np.isnan(index):
            return f"No CCI: the price has not changed for {self.period} bars"
        return level_text(side, "CCI", index, -self.level, self.level)

    @property
    def _name(self) -> str:
        return f"CCI {self.period}"
