"""Averages whose value depends on their own window alone, bit for bit, whatever came before it."""

import numpy as np
from numba import njit

from tradedesk.core.bars import Floats
from tradedesk.core.money import PLACES

SCALE = 10.0**PLACES


def simple_average(prices: Floats, period: int) -> Floats:
    """The simple moving average of `prices` in dollars (n,), NaN in the first period - 1 rows.

    A rolling sum carries the rounding of everything it ever added. Counted in whole millionths of a dollar the sum
    is exact (below 2^53, nine billion dollars a window), and so forgets.
    """
    return _rolling_mean(prices, period)


# A division by zero is none of these: asking would cost more than dividing.
@njit(cache=True, nogil=True, error_model="numpy")
def _rolling_mean(prices: Floats, period: int) -> Floats:
    count = len(prices)
    millionths = np.empty(count)
    for t in range(count):
        millionths[t] = np.rint(prices[t] * SCALE)
    means = np.empty(count)
    total = 0.0
    for t in range(count):
        total += millionths[t] - (millionths[t - period] if t >= period else 0.0)
        means[t] = total
    for t in range(count):
        means[t] = means[t] / period / SCALE
    means[: period - 1] = np.nan
    return means
