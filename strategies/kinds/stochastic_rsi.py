"""Stochastic RSI: where the RSI stands between its own lowest and highest of late, after Chande and Kroll."""

import numpy as np
import talib
from numpy.typing import NDArray

from strategies.kinds.averages import simple_average
from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import crossings, exceeds
from strategies.kinds.relative_strength import TOP, relative_strength
from strategies.kinds.strength import certain
from strategies.kinds.wording import level_words
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals

NAME = "Stochastic RSI"


class StochasticRsi(Kind):
    key = "stochastic_rsi"
    name = "Stochastic RSI"
    description = "Buys when %K of the RSI leaves oversold, crossing above it; sells when it leaves overbought."
    overlay = False

    period = Param(
        14,
        low=2,
        high=100,
        step=1,
        search=(7, 28, 7),
        label="Period",
        help="Bars in the RSI, and RSIs to look at.",
    )
    smoothing = Param(3, low=2, high=50, step=1, search=(2, 5, 1), label="Smoothing", help="Bars in %K's average.")
    oversold = Param(
        20.0,
        low=1.0,
        high=99.0,
        step=0.5,
        search=(10.0, 30.0, 5.0),
        label="Oversold",
        help="Buys on the way up through this.",
    )
    overbought = Param(
        80.0,
        low=1.0,
        high=99.0,
        step=0.5,
        search=(70.0, 90.0, 5.0),
        label="Overbought",
        help="Sells on the way down through this.",
    )

    def check(self) -> str:
        if self.oversold < self.overbought:
            return ""
        return f"Oversold ({self.oversold:g}) must be lower than overbought ({self.overbought:g})."

    def warmup(self) -> int:
        """20 periods for the RSI, the RSIs that %K looks at and averages, and one bar to cross from."""
        return 21 * self.period + self.smoothing + 1

    def signals(self, bars: Bars) -> Signals:
        k = self._k(relative_strength(bars.close, self.period))
        buy = crossings(k, self.oversold, TOP) == Side.BUY
        sell = crossings(k, self.overbought, TOP) == Side.SELL
        side = buy.astype(np.int8) - sell
        return Signals(side, certain(side), {NAME: k})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._words(Side(signals.side[t]), signals.lines[NAME][t])

    def _k(self, rsi: Floats) -> Floats:
        """%K, 0 to 100 (n,): the average of (RSI - lowest) / (highest - lowest) of its last `period` values.

        NaN where one of the RSIs that it is made of is not known, or where they are all the same.
        """
        known = ~np.isnan(rsi)
        rsi = np.where(known, rsi, 0.0)
        lowest, highest = talib.MIN(rsi, self.period), talib.MAX(rsi, self.period)
        known = _throughout(known, self.period) & exceeds(highest, lowest, TOP)
        k = np.zeros(len(rsi))
        k[known] = TOP * (rsi - lowest)[known] / (highest - lowest)[known]
        k = simple_average(k, self.smoothing)
        k[~_throughout(known, self.smoothing)] = np.nan
        return k

    def _words(self, side: Side, k: float) -> str:
        if np.isnan(k):
            return f"No stochastic: the RSI has not moved for {self.period} bars"
        return level_words(side, NAME, k, self.oversold, self.overbought)


def _throughout(flags: NDArray[np.bool_], bars: int) -> NDArray[np.bool_]:
    """Where the flag (n,) is set on each of the last `bars` bars."""
    return np.asarray(talib.MIN(flags.astype(np.float64), bars) == 1.0)
