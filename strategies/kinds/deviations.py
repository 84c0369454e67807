"""Deviations of prices from their mean, computed from their window alone, bit for bit.

TA-Lib's standard deviation is the difference of two rolling sums: on an unchanged price it is a rounding error,
and the close crosses its bands. Its mean deviation adds up a window in an order that depends on the window's row.
"""

import numpy as np

from tradedesk.core.bars import Floats
from tradedesk.core.compiled import njit


@njit(cache=True, nogil=True)
def standard_deviation(values: Floats, mean: Floats, period: int) -> Floats:
    """Of the last `period` values around their `mean` (n,), over the period; NaN in the first period - 1 rows."""
    squares = np.zeros(len(values))
    for back in range(period):
        for t in range(period - 1, len(values)):
            squares[t] += (values[t - back] - mean[t]) ** 2
    squares[: period - 1] = np.nan
    return np.sqrt(squares / period)


@njit(cache=True, nogil=True)
def mean_deviation(values: Floats, mean: Floats, period: int) -> Floats:
    """The mean distance of the last `period` values from their `mean` (n,); NaN in the first period - 1 rows."""
    distances = np.zeros(len(values))
    for back in range(period):
        for t in range(period - 1, len(values)):
            distances[t] += abs(values[t - back] - mean[t])
    distances[: period - 1] = np.nan
    return distances / period
