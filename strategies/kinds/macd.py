"""MACD: the difference of two exponential averages of the close, and its signal line."""

import numpy as np
import talib

from strategies.kinds.base import Param
from strategies.kinds.crossings import crossings
from strategies.kinds.explanations import crossing_text
from strategies.kinds.sharing import Once, SharingKind
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Signals

MACD, SIGNAL = "MACD", "Signal line"


class Macd(SharingKind):
    key = "macd"
    name = "MACD"
    description = "Buys when the MACD line crosses above its signal line; sells when it crosses below."
    overlay = False

    fast = Param(
        12, low=2, high=200, step=1, search=(6, 20, 2), label="Fast average", help="Bars in the fast average."
    )
    slow = Param(
        26, low=3, high=400, step=1, search=(18, 50, 2), label="Slow average", help="Bars in the slow average."
    )
    signal = Param(
        9,
        low=2,
        high=200,
        step=1,
        search=(5, 15, 2),
        label="Signal line",
        help="Bars in the MACD line's average.",
    )

    def check(self) -> str:
        if self.fast < self.slow:
            return ""
        return f"The fast average ({self.fast}) must be shorter than the slow average ({self.slow})."

    def warmup(self) -> int:
        """4 x slow for the averages and 4 x signal for the average of their difference."""
        return 4 * (self.slow + self.signal)

    def memory(self) -> int:
        """10 x slow for the averages and 10 x signal for the average of their difference.

        Measured on random walks: the lines differ from those of the full history by less than 1e-11 of the close,
        1% of the tolerance. With 10 x slow alone they differ by 1e-9, and far more for signal > slow.
        """
        return 10 * (self.slow + self.signal)

    def decide(self, bars: Bars, once: Once) -> Signals:
        # With a signal line of one bar, which other signal lines share; TA-Lib makes those of it in the same way.
        macd = once((self.fast, self.slow), lambda: talib.MACD(bars.close, self.fast, self.slow, 1)[0])
        signal = talib.EMA(macd, self.signal)
        side = crossings(macd, signal, bars.close)
        return Signals(side, None, lambda: {MACD: np.where(np.isnan(signal), np.nan, macd), SIGNAL: signal})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or crossing_text(
            signals.side[t], MACD, signals.lines[MACD][t], "its signal line", signals.lines[SIGNAL][t]
        )
