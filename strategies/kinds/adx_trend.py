"""ADX trend: Wilder's directional movement with a minimum trend strength."""

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.base import Param
from strategies.kinds.crossings import crossings, exceeds
from strategies.kinds.explanations import TIE_DECIMALS, crossing_text, distinct_decimals
from strategies.kinds.sharing import Once, SharingKind
from strategies.kinds.wilder import TOP, directional_movement
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals

PLUS, MINUS, ADX = "+DI", "-DI", "ADX"


class AdxTrend(SharingKind):
    key = "adx_trend"
    name = "ADX trend"
    description = (
        "Buys when +DI is above -DI and the ADX is above its threshold; sells when -DI crosses above +DI."
    )
    overlay = False

    period = Param(
        14, low=2, high=100, step=1, search=(7, 28, 7), label="Period", help="Bars in Wilder's averages."
    )
    threshold = Param(
        25.0,
        low=1.0,
        high=99.0,
        step=0.5,
        search=(15.0, 40.0, 5.0),
        label="Threshold",
        help="The trend counts as strong above this ADX.",
    )

    def warmup(self) -> int:
        """12 periods for Wilder's averages of averages; measured, 10.2 are enough."""
        return 12 * self.period

    def memory(self) -> int:
        """20 periods for the directional movement and 20 for the ADX, which averages it again."""
        return 40 * self.period

    def decide(self, bars: Bars, once: Once) -> Signals:
        (plus, minus, adx), rising, sell, known = once(self.period, lambda: self._movement(bars))
        strong = rising & exceeds(adx, self.threshold, TOP)
        side = sell.copy()
        side[1:] += strong[1:] & ~strong[:-1] & known[:-1]
        return Signals(side, None, {PLUS: plus, MINUS: minus, ADX: adx})

    def _movement(
        self, bars: Bars
    ) -> tuple[tuple[Floats, Floats, Floats], NDArray[np.bool_], NDArray[np.int8], NDArray[np.bool_]]:
        """The lines; where +DI is above -DI; -1 where it crosses below; where the ADX is known; each (n,)."""
        plus, minus, adx = found = directional_movement(bars.high, bars.low, bars.close, self.period)
        return found, exceeds(plus, minus, TOP), np.minimum(crossings(plus, minus, TOP), 0), ~np.isnan(adx)

    def explain(self, signals: Signals, t: int) -> str:
        plus, minus, adx = (signals.lines[name][t] for name in (PLUS, MINUS, ADX))
        return self.warming_up(t) or self._reason(Side(signals.side[t]), plus, minus, adx)

    def _reason(self, side: Side, plus: float, minus: float, adx: float) -> str:
        adx = round(adx, TIE_DECIMALS)
        decimals = distinct_decimals(adx, self.threshold, fewest=1)
        strength = f"ADX {adx:.{decimals}f} {'is' if adx > self.threshold else 'is not'} above {self.threshold:g}"
        if side == Side.BUY:
            return f"{strength} with {PLUS} ({plus:.2f}) above {MINUS} ({minus:.2f})"
        return f"{crossing_text(side, MINUS, minus, PLUS, plus)}; {strength}"
