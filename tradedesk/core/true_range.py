"""The average true range (ATR), for the distance of a trailing stop."""

import numpy as np

from tradedesk.core.bars import Floats, read_only
from tradedesk.core.compiled import njit

# The true ranges in one average. The first bar has none, because it has no close before it.
PERIODS = 14


def average_true_range(high: Floats, low: Floats, close: Floats) -> Floats:
    """The mean of the last 14 true ranges at the close of each bar (n,), in dollars; NaN for the first 14 bars.

    The true range is max(high, previous close) - min(low, previous close) (J. W. Wilder, New Concepts in Technical
    Trading Systems, 1978). This is the simple mean and not Wilder's smoothed one: it depends on the last 15 bars
    alone, so a live check, whatever it knows of the history, has the same figure as a backtest to the last bit.
    """
    average = np.full(len(close), np.nan)
    _write(read_only(high), read_only(low), read_only(close), average)
    return average


@njit(cache=True, nogil=True)
def _write(high: Floats, low: Floats, close: Floats, average: Floats) -> None:
    for t in range(PERIODS, len(close)):
        total = 0.0  # added up in the same order in every row, because the order of a sum changes its last bit
        for row in range(t - PERIODS + 1, t + 1):
            total += max(high[row], close[row - 1]) - min(low[row], close[row - 1])
        average[t] = total / PERIODS
