"""The relative strength index of the close; NaN where the close has not changed for a long time."""

import numpy as np
import talib
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

TOP = 100.0

# After this many periods without a change of the close the RSI is a ratio of two rounding errors: TA-Lib keeps
# the last value, then gives 0.0, and a shorter history gives another value.
UNCHANGED_PERIODS = 5


def relative_strength(close: Floats, period: int) -> Floats:
    """Wilder's RSI, 0 to 100 (n,); NaN in the first `period` rows and where the close does not change."""
    rsi = talib.RSI(close, period)
    rsi[_unchanged(close, UNCHANGED_PERIODS * period)] = np.nan
    return rsi


def _unchanged(close: Floats, bars: int) -> NDArray[np.bool_]:
    """Where the close (n,) has not changed for `bars` bars, or not at all yet."""
    rows = np.arange(len(close))
    changed = np.zeros(len(close), np.bool_)
    changed[1:] = close[1:] != close[:-1]
    return np.asarray(rows - np.maximum.accumulate(np.where(changed, rows, -bars)) >= bars)
