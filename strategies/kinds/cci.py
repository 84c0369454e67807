"""CCI: Lambert's commodity channel index, the distance of the typical price from its average."""

import numpy as np

from strategies.kinds.averages import simple_average
from strategies.kinds.base import Param
from strategies.kinds.crossings import exceeds
from strategies.kinds.deviations import mean_deviation
from strategies.kinds.explanations import level_text
from strategies.kinds.extremes import EnterOn, enter_on_choice, extreme_sides
from strategies.kinds.sharing import Once, SharingKind
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.money import PLACES
from tradedesk.core.signals import Side, Signals

SCALE = 0.015  # Lambert's constant: about 3 of 4 values are then between -100 and 100
LEVEL = 100.0


class Cci(SharingKind):
    key = "cci"
    name = "Commodity channel index"
    description = (
        "Buys when the CCI falls below minus the level, or comes back above it; sells when it rises above the "
        "level, or comes back below it."
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
    enter_on = enter_on_choice(
        EnterOn.RETURN,
        "Touch buys when the CCI crosses below minus the level and sells when it crosses above the level. Return "
        "waits until it crosses back.",
    )

    def warmup(self) -> int:
        """The window, and one bar to cross from."""
        return self.period + 1

    def decide(self, bars: Bars, once: Once) -> Signals:
        index = once(self.period, lambda: self._index(bars))
        side = extreme_sides(index, -self.level, self.level, LEVEL, self.enter_on)
        return Signals(side, None, {self._name: index})

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
