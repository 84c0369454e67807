"""Wilder's directional movement, from New Concepts in Technical Trading Systems (1978)."""

import numpy as np

from strategies.kinds.crossings import TOLERANCE
from tradedesk.core.bars import Floats
from tradedesk.core.compiled import njit

TOP = 100.0


@njit(cache=True, nogil=True)
def directional_movement(high: Floats, low: Floats, close: Floats, period: int) -> tuple[Floats, Floats, Floats]:
    """+DI, -DI and ADX, each 0 to 100 (n,); NaN in the first `period` rows, the ADX in the first 2 x period - 1.

    Equal to TA-Lib up to rounding, except where the price does not change: there TA-Lib divides one rounding error
    by another and keeps its last ADX. Here ranges and movements within the tolerance count as zero, and the ADX
    falls towards 0.
    """
    rows = len(close)
    plus, minus, adx = np.full(rows, np.nan), np.full(rows, np.nan), np.full(rows, np.nan)
    ups = downs = ranges = trends = 0.0  # Wilder's running sums
    for t in range(1, rows):
        up, down = high[t] - high[t - 1], low[t - 1] - low[t]
        true_range = max(high[t], close[t - 1]) - min(low[t], close[t - 1])
        kept = 1.0 if t < period else 1.0 - 1.0 / period
        ups = kept * ups + (up if up > down and up > 0.0 else 0.0)
        downs = kept * downs + (down if down > up and down > 0.0 else 0.0)
        ranges = kept * ranges + true_range
        if t < period:
            continue
        plus[t] = minus[t] = index = 0.0
        if ranges > TOLERANCE * close[t]:
            plus[t], minus[t] = TOP * ups / ranges, TOP * downs / ranges
        if plus[t] + minus[t] > TOLERANCE * TOP:
            index = TOP * abs(plus[t] - minus[t]) / (plus[t] + minus[t])
        trends = (1.0 if t < 2 * period else 1.0 - 1.0 / period) * trends + index
        if t >= 2 * period - 1:
            adx[t] = trends / period
    return plus, minus, adx
