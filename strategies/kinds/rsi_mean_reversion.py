"""RSI mean reversion: Wilder's relative strength index of the close."""

import numpy as np

from strategies.kinds.base import Param
from strategies.kinds.explanations import level_text
from strategies.kinds.extremes import EnterOn, enter_on_choice, extreme_sides
from strategies.kinds.relative_strength import TOP, UNCHANGED_PERIODS, relative_strength
from strategies.kinds.sharing import Once, SharingKind
from strategies.kinds.strength import LOWEST, graded_strength
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals


class RsiMeanReversion(SharingKind):
    key = "rsi_mean_reversion"
    name = "RSI mean reversion"
    description = (
        "Buys when the RSI falls below oversold, or comes back above it; sells when it rises above overbought, or "
        "comes back below it."
    )
    overlay = False
    least_strength = LOWEST

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
        help="Buys where the RSI crosses this.",
    )
    overbought = Param(
        70.0,
        low=1.0,
        high=99.0,
        step=0.5,
        search=(60.0, 80.0, 5.0),
        label="Overbought",
        help="Sells where the RSI crosses this.",
    )
    enter_on = enter_on_choice(
        EnterOn.TOUCH,
        "Touch buys when the RSI crosses below oversold and sells when it crosses above overbought. Return waits "
        "until it crosses back.",
    )

    def check(self) -> str:
        if self.oversold < self.overbought:
            return ""
        return f"Oversold ({self.oversold:g}) must be lower than overbought ({self.overbought:g})."

    def warmup(self) -> int:
        """8 periods; measured, 7.5 are enough."""
        return 8 * self.period

    def memory(self) -> int:
        """20 periods: older bars then weigh 2e-9 in a Wilder average; measured, the RSI differs by 2e-7."""
        return 20 * self.period

    def decide(self, bars: Bars, once: Once) -> Signals:
        rsi = once(self.period, lambda: relative_strength(bars.close, self.period))
        side = extreme_sides(rsi, self.oversold, self.overbought, TOP, self.enter_on)

        def strength() -> Floats:
            buy, sell, graded = side > 0, side < 0, np.zeros(len(side))
            graded[buy] = graded_strength((self.oversold - rsi[buy]) / self.oversold)
            graded[sell] = graded_strength((rsi[sell] - self.overbought) / (TOP - self.overbought))
            return graded

        return Signals(side, strength if self.enter_on == EnterOn.TOUCH else None, {self._name: rsi})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._reason(Side(signals.side[t]), signals.lines[self._name][t])

    def _reason(self, side: Side, rsi: float) -> str:
        if np.isnan(rsi):
            return f"No RSI: the close has not changed for {UNCHANGED_PERIODS * self.period} bars"
        return level_text(side, "RSI", rsi, self.oversold, self.overbought)

    @property
    def _name(self) -> str:
        return f"RSI {self.period}"
