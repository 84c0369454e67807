"""Donchian breakout: a close outside the range of the previous bars."""

import numpy as np
import talib
from numpy.typing import NDArray

from strategies.kinds.base import Param
from strategies.kinds.crossings import exceeds
from strategies.kinds.explanations import distinct_decimals
from strategies.kinds.sharing import Once, SharingKind
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals


class DonchianBreakout(SharingKind):
    key = "donchian_breakout"
    name = "Donchian breakout"
    description = (
        "Buys on a close above the highest high of the previous bars; sells on a close below the lowest low of "
        "fewer bars."
    )

    entry = Param(
        20, low=2, high=400, step=1, search=(10, 60, 5), label="Entry", help="Bars in the highest high to break."
    )
    exit = Param(
        10, low=2, high=400, step=1, search=(5, 30, 5), label="Exit", help="Bars in the lowest low to break."
    )

    def check(self) -> str:
        if self.exit <= self.entry:
            return ""
        return f"The exit ({self.exit}) must not be longer than the entry ({self.entry})."

    def warmup(self) -> int:
        """The longer channel, and the bar that breaks it."""
        return self.entry + 1

    def decide(self, bars: Bars, once: Once) -> Signals:
        high, above = once(("entry", self.entry), lambda: self._highest(bars))
        low, below = once(("exit", self.exit), lambda: self._lowest(bars))
        return Signals(above - below, None, dict(zip(self._names, (high, low), strict=True)))

    def _highest(self, bars: Bars) -> tuple[Floats, NDArray[np.int8]]:
        """The upper line (n,), and 1 where the close is above it (n,)."""
        high = _previous(talib.MAX(bars.high, self.entry))
        return high, exceeds(bars.close, high, high).view(np.int8)

    def _lowest(self, bars: Bars) -> tuple[Floats, NDArray[np.int8]]:
        """The lower line (n,), and 1 where the close is below it (n,)."""
        low = _previous(talib.MIN(bars.low, self.exit))
        return low, exceeds(low, bars.close, low).view(np.int8)

    def explain(self, signals: Signals, t: int) -> str:
        high, low = (signals.lines[name][t] for name in self._names)
        decimals = distinct_decimals(low, high)
        texts = {
            Side.BUY: f"Closed above {high:,.{decimals}f}, the highest high of the previous {self.entry} bars",
            Side.SELL: f"Closed below {low:,.{decimals}f}, the lowest low of the previous {self.exit} bars",
            Side.HOLD: f"Closed between {low:,.{decimals}f} and {high:,.{decimals}f}, inside the channel",
        }
        return self.warming_up(t) or texts[Side(signals.side[t])]

    @property
    def _names(self) -> tuple[str, str]:
        return f"Highest {self.entry}", f"Lowest {self.exit}"


def _previous(line: Floats) -> NDArray[np.float64]:
    """`line` one bar earlier: a bar must not be part of the channel that it breaks."""
    return np.concatenate(([np.nan], line[:-1]))[: len(line)]
