"""SuperTrend: a stop that follows the price at a multiple of its average true range."""

import math

import numpy as np
import talib
from numba import njit
from numpy.typing import NDArray

from strategies.kinds.base import Kind, Param
from strategies.kinds.crossings import TOLERANCE, crossings
from strategies.kinds.restarts import restarts
from strategies.kinds.strength import certain
from strategies.kinds.wording import places_apart
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.signals import Side, Signals

LINE = "SuperTrend"
UP, DOWN = 1.0, -1.0

# Bars that a trend gets, for each average true range between the price and its bands, to be told from its
# restart. Measured on the sample stocks: it then is the trend that began with their first bar, on every bar.
BARS_A_RANGE = 100


class SuperTrend(Kind):
    key = "supertrend"
    name = "SuperTrend"
    description = (
        "Buys when the close breaks the upper band and turns the trend up; sells when it breaks the lower band."
    )

    period = Param(
        10, low=2, high=100, step=1, search=(7, 21, 1), label="Period", help="Bars in the average true range."
    )
    multiplier = Param(
        3.0,
        low=0.5,
        high=10.0,
        step=0.1,
        search=(1.0, 7.0, 0.5),
        label="Multiplier",
        help="Average true ranges from the middle of a bar to its bands.",
    )

    def warmup(self) -> int:
        """20 periods of Wilder's average, the stretch that a trend begins anew in, and a bar to turn from."""
        return 20 * self.period + self._stretch + 1

    def signals(self, bars: Bars) -> Signals:
        reach = self.multiplier * talib.ATR(bars.high, bars.low, bars.close, self.period)
        middle = (bars.high + bars.low) / 2.0
        begins = restarts(bars.low, self.period, self._stretch)
        trend, stop = trailed(bars.close, middle + reach, middle - reach, begins)
        side = crossings(trend, 0.0, UP)
        return Signals(side, certain(side), {LINE: stop})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._words(Side(signals.side[t]), signals.lines[LINE][t])

    @staticmethod
    def _words(side: Side, stop: float) -> str:
        place = f"{stop:,.{places_apart(stop, 0.0)}f}"
        said = {
            Side.BUY: f"Closed above the upper band: SuperTrend turned up, its stop at {place}",
            Side.SELL: f"Closed below the lower band: SuperTrend turned down, its stop at {place}",
            Side.HOLD: f"SuperTrend has not turned, its stop at {place}",
        }
        return said[side]

    @property
    def _stretch(self) -> int:
        return math.ceil(BARS_A_RANGE * self.multiplier)


@njit(cache=True, nogil=True)
def trailed(close: Floats, upper: Floats, lower: Floats, begins: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The trend, UP or DOWN (n,), and its stop in dollars (n,): the lower band in an uptrend, else the upper one.

    upper and lower: each bar's own bands (n,). begins (n,): the row from which the trend is followed to row t;
    there it is down. A run from a new row is followed until it meets the run before it, which it then repeats.
    NaN before the first of these rows.
    """
    rows = len(close)
    trend, stop = np.full(rows, np.nan), np.full(rows, np.nan)
    way, above, below = np.empty(rows), np.empty(rows), np.empty(rows)  # of the newest run, row by row
    for t in range(begins[0] if rows else 0, rows):
        begin = begins[t]
        s = t if t > begins[0] and begin == begins[t - 1] else begin
        while s <= t:
            if s == begin:
                w, a, b = DOWN, upper[s], lower[s]
            else:
                w, a, b = _moved(
                    way[s - 1], above[s - 1], below[s - 1], close[s - 1], close[s], upper[s], lower[s]
                )
            if s < t and w == way[s] and a == above[s] and b == below[s]:
                s = t
            else:
                way[s], above[s], below[s] = w, a, b
                s += 1
        trend[t], stop[t] = way[t], below[t] if way[t] == UP else above[t]
    return trend, stop


@njit(cache=True, nogil=True)
def _moved(
    way: float, above: float, below: float, before: float, close: float, upper: float, lower: float
) -> tuple[float, float, float]:
    """The trend and the two bands after a bar: a band only closes in, until a close lies beyond it.

    before: the close of the bar before; close, upper, lower: this bar's own.
    """
    slack = TOLERANCE * before
    if upper < above or before - above > slack:
        above = upper
    if lower > below or below - before > slack:
        below = lower
    beyond = close - above if way == DOWN else below - close
    turned = beyond > TOLERANCE * close
    return -way if turned else way, above, below
