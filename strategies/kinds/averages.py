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
    everything it ever added; the difference of two running totals in whole millionths of a dollar is exact (even
    where the totals wrap around 2^64, as long as a window stays below 2^53, nine billion dollars), and so forgets.
    """
    mean: Floats = simple_averages(prices, [period])[0]
    return mean


def simple_averages(prices: Floats, periods: Sequence[int]) -> Floats:
    """`simple_average` for each of the periods, (p, n)."""
    # Made here and not in the compiled code: numpy asks for large pages, which a million bars come to feel.
    totals, means = np.empty(len(prices) + 1, np.int64), np.empty((len(periods), len(prices)))
    _rolling_means(read_only(prices), np.array(periods), totals, means)
    return means


# numpy's division: to ask before each whether it is by zero would cost more than the division.
@njit(cache=True, nogil=True, error_model="numpy")
def _rolling_means(prices: Floats, periods: NDArray[np.int64], totals: NDArray[np.int64], means: Floats) -> None:
    """Writes the means (p, n), and on the way the millionths before each row (n + 1,)."""
    count = len(prices)
    first = 0
    while first < count and np.isnan(prices[first]):
        first += 1
    totals[: first + 1] = 0
    end = first
    while end < count and not np.isnan(prices[end]):
        totals[end + 1] = totals[end] + np.int64(np.rint(prices[end] * SCALE))
        end += 1
    for place in range(len(periods)):
        period, mean = periods[place], means[place]
        full = first + period - 1  # the first row with a whole window
        mean[:full] = np.nan
        mean[end:] = np.nan
        whole, before, after = mean[full:end], totals[first:], totals[full + 1 :]
        for t in range(len(whole)):  # over arrays of their own, which the compiler turns into vector instructions
            whole[t] = (after[t] - before[t]) / period / SCALE
