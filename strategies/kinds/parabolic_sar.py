"""Parabolic SAR: Wilder's stop and reverse, which moves faster towards the price as a trend continues.

It is the SAR of Wilder's book and of TA-Lib. Other platforms start a new trend differently, so their stop differs
in the first bars after a flip: measured on the sample stocks, after 200 of 927 flips.
"""

import math

import numpy as np
from numpy.typing import NDArray

from strategies.kinds.base import Param
from strategies.kinds.crossings import crossings
from strategies.kinds.explanations import distinct_decimals
from strategies.kinds.restarts import restart_rows
from strategies.kinds.sharing import Once, SharingKind
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.compiled import njit
from tradedesk.core.signals import Side, Signals

LINE = "SAR"
UP, DOWN = 1.0, -1.0

# In bars. Measured on the sample stocks with the default parameters: the stop is then the same on every bar as the
# one computed from the first bar; with 200 bars it sometimes differs.
RESTART_WINDOW = 400


class ParabolicSar(SharingKind):
    key = "parabolic_sar"
    name = "Parabolic SAR"
    description = (
        "Buys when the parabolic stop flips below the price; sells when it flips above. This is Wilder's SAR, as "
        "in TA-Lib: other platforms differ in the first bars after a flip (measured: 200 of 927 flips)."
    )

    acceleration = Param(
        0.02,
        low=0.001,
        high=0.5,
        step=0.001,
        search=(0.01, 0.05, 0.005),
        label="Acceleration",
        help="Added to the acceleration factor at every new extreme price.",
    )
    maximum = Param(
        0.2,
        low=0.001,
        high=1.0,
        step=0.001,
        search=(0.1, 0.5, 0.05),
        label="Maximum",
        help="Highest acceleration factor.",
    )

    def check(self) -> str:
        if self.acceleration <= self.maximum:
            return ""
        return f"The acceleration ({self.acceleration:g}) must not exceed its maximum ({self.maximum:g})."

    def warmup(self) -> int:
        """The bars until two stops that started apart have met, which takes longer the slower they move."""
        return min(math.ceil(4.0 / self.acceleration + 8.0 / self.maximum), RESTART_WINDOW) + 1

    def memory(self) -> int:
        """The window in which the stop restarts, and a bar to flip from."""
        return RESTART_WINDOW + 1

    def decide(self, bars: Bars, once: Once) -> Signals:
        starts = once("starts", lambda: restart_rows(bars.low, 0, RESTART_WINDOW))
        trend, stop = stop_and_reverse(bars.high, bars.low, starts, self.acceleration, self.maximum)
        side = crossings(trend, 0.0, UP)
        return Signals(side, None, {LINE: stop})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._reason(Side(signals.side[t]), signals.lines[LINE][t])

    @staticmethod
    def _reason(side: Side, stop: float) -> str:
        texts = {
            Side.BUY: "flipped below the price",
            Side.SELL: "flipped above the price",
            Side.HOLD: "did not flip",
        }
        return f"SAR ({stop:,.{distinct_decimals(stop, 0.0)}f}) {texts[side]}"


@njit(cache=True, nogil=True)
def stop_and_reverse(
    high: Floats, low: Floats, starts: NDArray[np.int64], acceleration: float, maximum: float
) -> tuple[Floats, Floats]:
    """The trend, UP or DOWN (n,), and its stop in dollars (n,), both at the close.

    starts (n,): the row from which the stop is computed for row t. There the trend is up, the stop is the low and
    the extreme is the high. After a change of the start row the rows are computed again until they equal the
    previous run.

    Wilder, New Concepts in Technical Trading Systems (1978): on each bar the stop moves by factor x (extreme -
    stop), but not into the range of the last two bars; the factor grows at every new extreme; when the price
    touches the stop, the trend turns and the stop jumps to the extreme. A bar whose high and low both equal the
    stop does not touch it.
    """
    rows = len(low)
    trend, line = np.empty(rows), np.empty(rows)
    # the state in each row of the latest run: trend, stop for the next bar, extreme price, acceleration factor
    direction, stop, extreme, factor = np.empty(rows), np.empty(rows), np.empty(rows), np.empty(rows)
    for t in range(rows):
        start = starts[t]
        s = t if t > 0 and start == starts[t - 1] else start
        while s <= t:
            if s == start:
                at = low[s]
                d, n, e, f = UP, low[s], high[s], acceleration
            else:
                highest, lowest = max(high[s - 1], high[s]), min(low[s - 1], low[s])
                at, d, e, f = _next_stop(
                    direction[s - 1],
                    stop[s - 1],
                    extreme[s - 1],
                    factor[s - 1],
                    high[s],
                    low[s],
                    highest,
                    lowest,
                    acceleration,
                    maximum,
                )
                n = at + f * (e - at)
                n = min(n, lowest) if d == UP else max(n, highest)
            if s < t and n == stop[s] and d == direction[s] and e == extreme[s] and f == factor[s]:
                s = t
            else:
                direction[s], stop[s], extreme[s], factor[s] = d, n, e, f
                s += 1
        trend[t], line[t] = direction[t], at
    return trend, line


@njit(cache=True, nogil=True)
def _next_stop(
    direction: float,
    stop: float,
    extreme: float,
    factor: float,
    high: float,
    low: float,
    highest: float,
    lowest: float,
    acceleration: float,
    maximum: float,
) -> tuple[float, float, float, float]:
    """The stop, trend, extreme and factor after a bar; highest and lowest: of this bar and the previous one."""
    if direction == UP:
        if low <= stop and (low < stop or high > stop):
            return max(extreme, highest), DOWN, low, acceleration
        if high > extreme:
            return stop, UP, high, min(factor + acceleration, maximum)
    else:
        if high >= stop and (high > stop or low < stop):
            return min(extreme, lowest), UP, high, acceleration
        if low < extreme:
            return stop, DOWN, low, min(factor + acceleration, maximum)
    return stop, direction, extreme, factor
