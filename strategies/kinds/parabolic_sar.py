"""Parabolic SAR: Wilder's stop and reverse, which closes in on the price the further a trend has run."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import crossings
from strategies.kinds.restarts import restarts
from strategies.kinds.strength import certain
from strategies.kinds.wording import places_apart
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals

LINE = "SAR"
UP, DOWN = 1.0, -1.0

# Bars before a decision that the stop begins anew in. Measured on the sample stocks: with the default parameters
# it then is the stop that began with their first bar, on every bar; half as many leave it apart now and then.
STRETCH = 400


class ParabolicSar(Kind):
    key = "parabolic_sar"
    name = "Parabolic SAR"
    description = "Buys when the parabolic stop flips below the price; sells when it flips above."

    acceleration = Param(
        0.02,
        low=0.001,
        high=0.5,
        step=0.001,
        search=(0.01, 0.05, 0.005),
        label="Acceleration",
        help="Part of the way to the extreme price that the stop goes each bar, added at every new extreme.",
    )
    maximum = Param(
        0.2, low=0.001, high=1.0, step=0.001, search=(0.1, 0.5, 0.05), label="Maximum", help="Most of that way."
    )

    def check(self) -> str:
        if self.acceleration <= self.maximum:
            return ""
        return f"The acceleration ({self.acceleration:g}) must not exceed its maximum ({self.maximum:g})."

    def warmup(self) -> int:
        """The stretch that the stop begins anew in, and a bar to flip from."""
        return STRETCH + 1

    def signals(self, bars: Bars) -> Signals:
        begins = restarts(bars.low, 0, STRETCH)
        trend, stop = stop_and_reverse(bars.high, bars.low, begins, self.acceleration, self.maximum)
        side = crossings(trend, 0.0, UP)
        return Signals(side, certain(side), {LINE: stop})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._words(Side(signals.side[t]), signals.lines[LINE][t])

    @staticmethod
    def _words(side: Side, stop: float) -> str:
        did = {
            Side.BUY: "flipped below the price",
            Side.SELL: "flipped above the price",
            Side.HOLD: "has not flipped",
        }
        return f"SAR ({stop:,.{places_apart(stop, 0.0)}f}) {did[side]}"


@njit(cache=True, nogil=True)
def stop_and_reverse(
    high: Floats, low: Floats, begins: NDArray[np.int64], acceleration: float, maximum: float
) -> tuple[Floats, Floats]:
    """The trend, UP or DOWN (n,), and its stop in dollars (n,), both as they stand at the close.

    begins (n,): the row from which the stop is followed to row t. There the trend is up, the stop its low, the
    extreme its high. A run from a new row is followed until it meets the run before it, which it then repeats.

    Wilder, New Concepts in Technical Trading Systems (1978): from bar to bar the stop moves by pace x (extreme -
    stop), but not into the last two bars; the pace grows at every new extreme; a stop that is touched jumps to the
    extreme, and the trend turns. A bar that only stands on the stop, its high and its low, has not touched it.
    """
    rows = len(low)
    trend, line = np.empty(rows), np.empty(rows)
    # of the newest run, row by row: the trend, the stop for the bar after, the extreme price, the pace
    way, stop, extreme, pace = np.empty(rows), np.empty(rows), np.empty(rows), np.empty(rows)
    for t in range(rows):
        begin = begins[t]
        s = t if t > 0 and begin == begins[t - 1] else begin
        while s <= t:
            if s == begin:
                at = low[s]
                w, n, e, p = UP, low[s], high[s], acceleration
            else:
                highest, lowest = max(high[s - 1], high[s]), min(low[s - 1], low[s])
                at, w, e, p = _moved(
                    way[s - 1],
                    stop[s - 1],
                    extreme[s - 1],
                    pace[s - 1],
                    high[s],
                    low[s],
                    highest,
                    lowest,
                    acceleration,
                    maximum,
                )
                n = at + p * (e - at)
                n = min(n, lowest) if w == UP else max(n, highest)
            if s < t and n == stop[s] and w == way[s] and e == extreme[s] and p == pace[s]:
                s = t
            else:
                way[s], stop[s], extreme[s], pace[s] = w, n, e, p
                s += 1
        trend[t], line[t] = way[t], at
    return trend, line


@njit(cache=True, nogil=True)
def _moved(
    way: float,
    stop: float,
    extreme: float,
    pace: float,
    high: float,
    low: float,
    highest: float,
    lowest: float,
    acceleration: float,
    maximum: float,
) -> tuple[float, float, float, float]:
    """The stop, the trend, the extreme and the pace after a bar; highest and lowest: of it and the one before."""
    if way == UP:
        if low <= stop and (low < stop or high > stop):
            return max(extreme, highest), DOWN, low, acceleration
        if high > extreme:
            return stop, UP, high, min(pace + acceleration, maximum)
    else:
        if high >= stop and (high > stop or low < stop):
            return min(extreme, lowest), UP, high, acceleration
        if low < extreme:
            return stop, DOWN, low, min(pace + acceleration, maximum)
    return stop, way, extreme, pace
