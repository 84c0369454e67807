"""Averages whose value depends on their own window alone, bit for bit, whatever came before it."""

import numpy as np
import talib

from tradedesk.core.bars import Floats
from tradedesk.core.money import PLACES


def simple_average(prices: Floats, period: int) -> Floats:
    """The simple moving average of `prices` in dollars (n,), NaN in the first period - 1 rows.

    TA-Lib keeps a rolling sum, which carries the rounding of everything it ever added. Counted in whole
    millionths of a dollar the sum is exact (below 2^53, nine billion dollars a window), and so forgets.
    """
    scale = 10.0**PLACES
    return talib.SMA(np.rint(prices * scale), period) / scale
