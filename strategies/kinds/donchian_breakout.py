"""Donchian breakout: a close outside the range of the bars before it."""

import numpy as np
import talib
from numpy.typing import NDArray

from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import exceeds
from strategies.kinds.strength import certain
from strategies.kinds.wording import places_apart
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals


class DonchianBreakout(Kind):
    key = "donchian_breakout"
    name = "Donchian breakout"
    description = (
        "Buys on a close above the highest high of the bars before; sells on a close below the lowest low of a "
        "shorter stretch."
    )

    entry = Param(
        20, low=2, high=400, step=1, search=(10, 60, 5), label="Entry", help="Bars whose highest high to break."
    )
    exit = Param(
        10, low=2, high=400, step=1, search=(5, 30, 5), label="Exit", help="Bars whose lowest low to break."
    )

    def check(self) -> str:
        if self.exit <= self.entry:
            return ""
        return f"The exit ({self.exit}) must not be longer than the entry ({self.entry})."

    def warmup(self) -> int:
        """The longer channel, and the bar that breaks it."""
        return self.entry + 1

    def signals(self, bars: Bars) -> Signals:
        high, low = _before(talib.MAX(bars.high, self.entry)), _before(talib.MIN(bars.low, self.exit))
        side = exceeds(bars.close, high, high).astype(np.int8) - exceeds(low, bars.close, low)
        return Signals(side, certain(side), dict(zip(self._names, (high, low), strict=True)))

    def explain(self, signals: Signals, t: int) -> str:
        high, low = (signals.lines[name][t] for name in self._names)
        places = places_apart(low, high)
        said = {
            Side.BUY: f"Closed above {high:,.{places}f}, the highest high of the {self.entry} bars before",
            Side.SELL: f"Closed below {low:,.{places}f}, the lowest low of the {self.exit} bars before",
            Side.HOLD: f"Closed between {low:,.{places}f} and {high:,.{places}f}, inside the channel",
        }
        return self.warming_up(t) or said[Side(signals.side[t])]

    @property
    def _names(self) -> tuple[str, str]:
        return f"Highest {self.entry}", f"Lowest {self.exit}"


def _before(line: Floats) -> NDArray[np.float64]:
    """`line` as it stood one bar earlier: a bar must not help to build the channel it breaks."""
    return np.concatenate(([np.nan], line[:-1]))[: len(line)]
