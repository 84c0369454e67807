"""Averages whose value depends on their own window alone, bit for bit, whatever came before it."""

from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradedesk.core.bars import Floats, read_only
from tradedesk.core.money import PLACES

SCALE = 10.0**PLACES


def simple_average(prices: Floats, period: int) -> Floats:
    """The simple moving average of `prices` in dollars (n,), NaN until there are `period` of them.

    NaN at the beginning is left out, one after that makes the rest NaN. A rolling sum carries the rounding of
    everything it ever added; counted in whole millionths of a dollar it is exact (below 2^53, nine billion dollars
    a window), and so forgets.
    """
    mean: Floats = simple_averages(prices, [period])[0]
    return mean


def simple_averages(prices: Floats, periods: Sequence[int]) -> Floats:
    """`simple_average` for each of the periods, (p, n)."""
    # Made here and not in the compiled code: numpy asks for large pages, which a million bars come to feel.
    means = np.empty((len(periods), len(prices)))
    _rolling_means(read_only(prices), np.array(periods), np.empty(len(prices)), means)
    return means


# numpy's division: to ask before each whether it is by zero would cost more than the division.
@njit(cache=True, nogil=True, error_model="numpy")
def _rolling_means(prices: Floats, periods: NDArray[np.int64], millionths: Floats, means: Floats) -> None:
    """Writes the means (p, n), and on the way the prices in millionths (n,)."""
    count = len(prices)
    first = 0
    while first < count and np.isnan(prices[first]):
        first += 1
    for t in range(count):
        millionths[t] = np.rint(prices[t] * SCALE)
    for place in range(len(periods)):
        period, mean = periods[place], means[place]
        full = first + period - 1  # the first row with a whole window
        mean[:full] = np.nan
        total = millionths[first:full].sum()
        for t in range(full, count):
            total += millionths[t] - (millionths[t - period] if t > full else 0.0)
            mean[t] = total
        for t in range(count):  # from 0 on, which the compiler turns into vector instructions
            mean[t] = mean[t] / period / SCALE
