"""Moving averages that depend only on the prices in their window, bit for bit."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats, read_only
from tradedesk.core.compiled import njit
from tradedesk.core.money import PLACES

SCALE = 10.0**PLACES


def simple_average(prices: Floats, period: int) -> Floats:
    """The simple moving average of `prices` in dollars (n,), NaN until there are `period` of them.

    NaN values at the start are skipped; a later NaN makes the rest NaN. A rolling sum keeps the rounding errors of
    all earlier prices. The difference of two running totals in whole millionths of a dollar is exact, even where
    the totals overflow 2^64, as long as the sum of a window stays below 2^53, nine billion dollars.
    """
    mean: Floats = simple_averages(prices, [period])[0]
    return mean


def simple_averages(prices: Floats, periods: Sequence[int]) -> Floats:
    """`simple_average` for each period, (p, n)."""
    # Allocated here and not in compiled code: numpy requests large memory pages, which is faster on many bars.
    totals, means = np.empty(len(prices) + 1, np.int64), np.empty((len(periods), len(prices)))
    _rolling_means(read_only(prices), np.array(periods), totals, means)
    return means


# numpy's division: a zero check before each division would cost more than the division.
@njit(cache=True, nogil=True, error_model="numpy")
def _rolling_means(prices: Floats, periods: NDArray[np.int64], totals: NDArray[np.int64], means: Floats) -> None:
    """Write the means (p, n) and the running totals before each row (n + 1,), in millionths."""
    count = len(prices)
    first = 0
    while first < count and np.isnan(prices[first]):
        first += 1
    totals[: first + 1] = 0
    end = first
    while end < count and not np.isnan(prices[end]):
        totals[end + 1] = totals[end] + np.int64(np.rint(prices[end] * SCALE))
        end += 1
    for index in range(len(periods)):
        period, mean = periods[index], means[index]
        full = first + period - 1  # the first row with a full window
        mean[:full] = np.nan
        mean[end:] = np.nan
        result, before, after = mean[full:end], totals[first:], totals[full + 1 :]
        for t in range(len(result)):  # over separate arrays, so that the compiler can vectorize the loop
            result[t] = (after[t] - before[t]) / period / SCALE
