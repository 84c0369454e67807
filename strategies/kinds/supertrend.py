"""SuperTrend: a stop that follows the price at a multiple of its average true range."""

import math

import numpy as np
import talib
from numpy.typing import NDArray

from strategies.kinds.base import Param
from strategies.kinds.crossings import TOLERANCE, crossings
from strategies.kinds.explanations import distinct_decimals
from strategies.kinds.restarts import restart_rows
from strategies.kinds.sharing import Once, SharingKind
from tradedesk.core.bars import Bars, Floats
from tradedesk.core.compiled import njit
from tradedesk.core.signals import Side, Signals

LINE = "SuperTrend"
UP, DOWN = 1.0, -1.0

# The restart window in bars, for each unit of the multiplier. Measured on the sample stocks: the trend is then the
# same on every bar as the one computed from the first bar.
BARS_PER_MULTIPLIER = 100
# The bars, for each unit of the multiplier, after which the trend that the first bar was given is forgotten.
WARMUP_PER_MULTIPLIER = 40


class SuperTrend(SharingKind):
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
        help="Distance from the middle of a bar to its bands, in average true ranges.",
    )

    def warmup(self) -> int:
        """8 periods of Wilder's average, the bars until the price has turned the trend, and a bar to turn from."""
        return 8 * self.period + math.ceil(WARMUP_PER_MULTIPLIER * self.multiplier) + 1

    def memory(self) -> int:
        """20 periods of Wilder's average, the window in which the trend restarts, and a bar to turn from."""
        return 20 * self.period + self._window + 1

    def decide(self, bars: Bars, once: Once) -> Signals:
        distance = self.multiplier * once(
            ("ranges", self.period), lambda: talib.ATR(bars.high, bars.low, bars.close, self.period)
        )
        middle = once("middle", lambda: (bars.high + bars.low) / 2.0)
        starts = once(
            ("starts", self.period, self._window), lambda: restart_rows(bars.low, self.period, self._window)
        )
        trend, stop = follow_trend(bars.close, middle + distance, middle - distance, starts)
        side = crossings(trend, 0.0, UP)
        return Signals(side, None, {LINE: stop})

    def explain(self, signals: Signals, t: int) -> str:
        return self.warming_up(t) or self._reason(Side(signals.side[t]), signals.lines[LINE][t])

    @staticmethod
    def _reason(side: Side, stop: float) -> str:
        stop_text = f"{stop:,.{distinct_decimals(stop, 0.0)}f}"
        texts = {
            Side.BUY: f"Closed above the upper band: SuperTrend turned up, stop at {stop_text}",
            Side.SELL: f"Closed below the lower band: SuperTrend turned down, stop at {stop_text}",
            Side.HOLD: f"SuperTrend did not turn, stop at {stop_text}",
        }
        return texts[side]

    @property
    def _window(self) -> int:
        return math.ceil(BARS_PER_MULTIPLIER * self.multiplier)


@njit(cache=True, nogil=True)
def follow_trend(close: Floats, upper: Floats, lower: Floats, starts: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The trend, UP or DOWN (n,), and its stop in dollars (n,): the lower band in an uptrend, else the upper one.

    upper and lower: each bar's own bands (n,). starts (n,): the row from which the trend is computed for row t, as
    a downtrend. After a change of the start row the rows are computed again until they equal the previous run. NaN
    before the first start row.
    """
    rows = len(close)
    trend, stop = np.full(rows, np.nan), np.full(rows, np.nan)
    # the state in each row of the latest run
    direction, above, below = np.empty(rows), np.empty(rows), np.empty(rows)
    for t in range(starts[0] if rows else 0, rows):
        start = starts[t]
        s = t if t > starts[0] and start == starts[t - 1] else start
        while s <= t:
            if s == start:
                d, a, b = DOWN, upper[s], lower[s]
            else:
                d, a, b = _next_bands(
                    direction[s - 1], above[s - 1], below[s - 1], close[s - 1], close[s], upper[s], lower[s]
                )
            if s < t and d == direction[s] and a == above[s] and b == below[s]:
                s = t
            else:
                direction[s], above[s], below[s] = d, a, b
                s += 1
        trend[t], stop[t] = direction[t], below[t] if direction[t] == UP else above[t]
    return trend, stop


@njit(cache=True, nogil=True)
def _next_bands(
    direction: float, above: float, below: float, before: float, close: float, upper: float, lower: float
) -> tuple[float, float, float]:
    """The trend and both bands after a bar; a band only moves towards the price, until a close is beyond it.

    before: the close of the previous bar; close, upper, lower: of this bar.
    """
    tolerance = TOLERANCE * before
    if upper < above or before - above > tolerance:
        above = upper
    if lower > below or below - before > tolerance:
        below = lower
    beyond = close - above if direction == DOWN else below - close
    turned = beyond > TOLERANCE * close
    return -direction if turned else direction, above, below
