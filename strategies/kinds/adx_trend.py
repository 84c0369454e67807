"""ADX trend: Wilder's directional movement, and whether it is strong enough to be a trend."""

import numpy as np

from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import crossings, exceeds
from strategies.kinds.strength import certain
from strategies.kinds.wilder import TOP, directional_movement
from strategies.kinds.wording import TIE_PLACES, crossing_words, places_apart
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Side, Signals

PLUS, MINUS, ADX = "+DI", "-DI", "ADX"


class AdxTrend(Kind):
    key = "adx_trend"
    name = "ADX trend"
    description = "Buys when +DI stands above -DI and the ADX above its threshold; sells when -DI crosses above."
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
        help="The ADX above which a trend is strong.",
    )

    def warmup(self) -> int:
        """20 periods for the directional movement, and 20 more for the ADX, which averages it again."""
        return 40 * self.period

    def signals(self, bars: Bars) -> Signals:
        plus, minus, adx = directional_movement(bars.high, bars.low, bars.close, self.period)
        strong = exceeds(plus, minus, TOP) & exceeds(adx, self.threshold, TOP)
        side = np.minimum(crossings(plus, minus, TOP), 0)
        side[1:] += strong[1:] & ~strong[:-1] & ~np.isnan(adx[:-1])
        return Signals(side, certain(side), {PLUS: plus, MINUS: minus, ADX: adx})

    def explain(self, signals: Signals, t: int) -> str:
        plus, minus, adx = (signals.lines[name][t] for name in (PLUS, MINUS, ADX))
        return self.warming_up(t) or self._words(Side(signals.side[t]), plus, minus, adx)

    def _words(self, side: Side, plus: float, minus: float, adx: float) -> str:
        adx = round(adx, TIE_PLACES)
        places = places_apart(adx, self.threshold, fewest=1)
        strength = f"ADX {adx:.{places}f} {'above' if adx > self.threshold else 'not above'} {self.threshold:g}"
        if side == Side.BUY:
            return f"{strength}, with {PLUS} ({plus:.2f}) above {MINUS} ({minus:.2f})"
        return f"{crossing_words(side, MINUS, minus, PLUS, plus)}, {strength}"
