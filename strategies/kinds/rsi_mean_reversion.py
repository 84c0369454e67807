"""RSI mean reversion: Wilder's relative strength index of the close."""

import numpy as np

from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import crossings
from strategies.kinds.explanations import level_text
from strategies.kinds.relative_strength import TOP, UNCHANGED_PERIODS, relative_strength
from strategies.kinds.strength import graded_strength
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals


class RsiMeanReversion(Kind):
    key = "rsi_mean_reversion"
    name = "RSI mean reversion"
    description = "Buys when the RSI crosses below oversold; sells when it crosses above overbought."
    overlay = False

    period = Param(
        14, low=2, high=100, step=1, search=(5, 30, 1), label="Period", help="Bars in the RSI's averages."
    )
    oversold = Param(
        30.0,
        low=1.0,
        high=99.0,
        step=0.5,
        search=(20.0, 40.0, 5.0),
        label="Oversold",
        help="Buys when the RSI crosses below this.",
    )
    overbought = Param(
        70.0,
        low=1.0,
        high=99.0,
        step=0.5,
        search=(60.0, 80.0, 5.0),
        label="Overbought",
        help="Sells when the RSI crosses above this.",
    )

    def check(self) -> str:
        if self.oversold < self.overbought:
            return ""
        return f"Oversold ({self.oversold:g}) must be lower than overbought ({self.overbought:g})."

    def warmup(self) -> int:
        """20 periods: older bars then weigh 2e-9 in a Wilder average; measured, the RSI differs by 2e-7."""
        return 20 * self.period

    def signals(self, bars: Bars) -> Signals:
        rsi = relative_strength(bars.close, self.period)
        buy = crossings(rsi, self.oversold, TOP) == Side.SELL
        sell = crossings(rsi, self.overbought, TOP) == Side.BUY
        strength = np.zeros(len(bars))
        strength[buy] = graded_strength((self.oversold - rsi[buy]) / self.oversold)
        strength[sell] = graded_strength((rsi[sell] - self.overbought) / (TOP - self.overbought))
        return Signals(buy.astype(np.int8) - sell, strength, {self._name: rsi})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._reason(Side(signals.side[t]), signals.lines[self._name][t])

    def _reason(self, side: Side, rsi: float) -> str:
        if np.isnan(rsi):
            return f"No RSI: the close has not changed for {UNCHANGED_PERIODS * self.period} bars"
        return level_text(side, "RSI", rsi, self.oversold, self.overbought)

    @property
    def _name(self) -> str:
        return f"RSI {self.period}"
