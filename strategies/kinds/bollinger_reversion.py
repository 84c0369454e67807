"""Bollinger reversion: buys far below the average and sells above it."""

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.averages import simple_average
from strategies.kinds.base import Param
from strategies.kinds.crossings import ABOVE, BELOW, crossings
from strategies.kinds.deviations import standard_deviation
from strategies.kinds.explanations import distinct_decimals
from strategies.kinds.extremes import EnterOn, enter_on_choice
from strategies.kinds.sharing import Once, SharingKind
from strategies.kinds.strength import LOWEST, graded_strength
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals

LOWER, MIDDLE, UPPER = "Lower band", "Middle band", "Upper band"


class BollingerReversion(SharingKind):
    key = "bollinger_reversion"
    name = "Bollinger reversion"
    description = (
        "Buys when the close falls below the lower band, or comes back above it; sells when it crosses above the "
        "middle band."
    )
    least_strength = LOWEST

    period = Param(
        20, low=2, high=400, step=1, search=(10, 50, 5), label="Period", help="Bars in the middle band's average."
    )
    deviations = Param(
        2.0,
        low=0.1,
        high=10.0,
        step=0.1,
        search=(1.0, 3.5, 0.25),
        label="Deviations",
        help="Standard deviations from the middle band to the outer ones.",
    )
    enter_on = enter_on_choice(
        EnterOn.TOUCH,
        "Touch buys when the close crosses below the lower band. Return waits until it crosses back above it.",
    )

    def warmup(self) -> int:
        """The window, and one bar to cross from."""
        return self.period + 1

    def decide(self, bars: Bars, once: Once) -> Signals:
        middle, deviation, sell = once(self.period, lambda: self._middle(bars.close))
        lower = middle - self.deviations * deviation
        touch = self.enter_on == EnterOn.TOUCH
        # A close that comes back above the lower band may already be above the middle one.
        buy = (crossings(bars.close, lower, bars.close) == (BELOW if touch else ABOVE)) & ~sell
        side = buy.astype(np.int8) - sell

        def strength() -> Floats:
            graded = sell.astype(np.float64)
            graded[buy] = graded_strength((lower - bars.close)[buy] / deviation[buy])
            return graded

        def lines() -> dict[str, Floats]:
            return {LOWER: lower, MIDDLE: middle, UPPER: middle + self.deviations * deviation}

        return Signals(side, strength if touch else None, lines)

    def _middle(self, close: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """The middle band (n,), the standard deviation around it, and where the close crosses above it."""
        middle = simple_average(close, self.period)
        return middle, standard_deviation(close, middle, self.period), crossings(close, middle, close) == ABOVE

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._reason(
            Side(signals.side[t]), signals.lines[LOWER][t], signals.lines[MIDDLE][t]
        )

    def _reason(self, side: Side, lower: float, middle: float) -> str:
        decimals = distinct_decimals(lower, middle)
        entry = "below" if self.enter_on == EnterOn.TOUCH else "back above"
        buying = f"{entry} the lower band ({lower:,.{decimals}f})"
        selling = f"above the middle band ({middle:,.{decimals}f})"
        texts = {
            Side.BUY: f"The close crossed {buying}",
            Side.SELL: f"The close crossed {selling}",
            Side.HOLD: f"The close crossed neither {buying} nor {selling}",
        }
        return texts[side]
