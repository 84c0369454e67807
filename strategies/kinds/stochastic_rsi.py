"""Stochastic RSI: the position of the RSI in its recent range, after Chande and Kroll."""

import numpy as np
import talib
from numpy.typing import NDArray

from strategies.kinds.averages import simple_average
from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import crossings, exceeds
from strategies.kinds.explanations import level_text
from strategies.kinds.relative_strength import TOP, relative_strength
from strategies.kinds.strength import full_strength
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals

NAME = "Stochastic RSI"


class StochasticRsi(Kind):
    key = "stochastic_rsi"
    name = "Stochastic RSI"
    description = "Buys when %K of the RSI crosses above oversold; sells when it crosses below overbought."
    overlay = False

    period = Param(
        14,
        low=2,
        high=100,
        step=1,
        search=(7, 28, 7),
        label="Period",
        help="Bars in the RSI, and RSI values in the range of %K.",
    )
    smoothing = Param(
        3, low=2, high=50, step=1, search=(2, 5, 1), label="Smoothing", help="Bars in the average of %K."
    )
    oversold = Param(
        20.0,
        low=1.0,
        high=99.0,
        step=0.5,
        search=(10.0, 30.0, 5.0),
        label="Oversold",
        help="Buys when %K crosses above this.",
    )
    overbought = Param(
        80.0,
        low=1.0,
        high=99.0,
        step=0.5,
        search=(70.0, 90.0, 5.0),
        label="Overbought",
        help="Sells when %K crosses below this.",
    )

    def check(self) -> str:
        if self.oversold < self.overbought:
            return ""
        return f"Oversold ({self.oversold:g}) must be lower than overbought ({self.overbought:g})."

    def warmup(self) -> int:
        """20 periods for the RSI, the RSI values in the range and average of %K, and one bar to cross from."""
        return 21 * self.period + self.smoothing + 1

    def signals(self, bars: Bars) -> Signals:
        k = self._k(relative_strength(bars.close, self.period))
        buy = crossings(k, self.oversold, TOP) == Side.BUY
        sell = crossings(k, self.overbought, TOP) == Side.SELL
        side = buy.astype(np.int8) - sell
        return Signals(side, full_strength(side), {NAME: k})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._reason(Side(signals.side[t]), signals.lines[NAME][t])

    def _k(self, rsi: Floats) -> Floats:
        """%K, 0 to 100 (n,): the average of (RSI - lowest) / (highest - lowest) of its last `period` values.

        NaN where one of these RSI values is unknown, or where all of them are equal.
        """
        known = ~np.isnan(rsi)
        rsi = np.where(known, rsi, 0.0)
        lowest, highest = talib.MIN(rsi, self.period), talib.MAX(rsi, self.period)
        known = _all_of_last(known, self.period) & exceeds(highest, lowest, TOP)
        k = np.zeros(len(rsi))
        k[known] = TOP * (rsi - lowest)[known] / (highest - lowest)[known]
        k = simple_average(k, self.smoothing)
        k[~_all_of_last(known, self.smoothing)] = np.nan
        return k

    def _reason(self, side: Side, k: float) -> str:
        if np.isnan(k):
            return f"No stochastic RSI: the RSI has not changed for {self.period} bars"
        return level_text(side, NAME, k, self.oversold, self.overbought)


def _all_of_last(flags: NDArray[np.bool_], bars: int) -> NDArray[np.bool_]:
    """Where the flag (n,) is set on all of the last `bars` bars."""
    return np.asarray(talib.MIN(flags.astype(np.float64), bars) == 1.0)
