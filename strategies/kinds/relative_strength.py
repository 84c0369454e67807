"""The relative strength index of the close, which says nothing where the close has long stood still."""

import numpy as np
import talib
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

TOP = 100.0

# After this many periods without a change of the close the RSI is a ratio of two forgotten numbers: TA-Lib
# goes on printing the last value, then 0.0, and a shorter history another one.
UNMOVED_PERIODS = 5


def relative_strength(close: Floats, period: int) -> Floats:
    """Wilder's RSI, 0 to 100 (n,); NaN in the first `period` rows and where the close stands still."""
    rsi = talib.RSI(close, period)
    rsi[_unmoved(close, UNMOVED_PERIODS * period)] = np.nan
    return rsi


def _unmoved(close: Floats, bars: int) -> NDArray[np.bool_]:
    """Where the close (n,) has not changed for `bars` bars, or not at all yet."""
    rows = np.arange(len(close))
    moved = np.zeros(len(close), np.bool_)
    moved[1:] = close[1:] != close[:-1]
    return np.asarray(rows - np.maximum.accumulate(np.where(moved, rows, -bars)) >= bars)
