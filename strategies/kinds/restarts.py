"""Restart rows: where an indicator with an endless memory starts again, so that its warm-up is finite.

A trailing stop passes its state from bar to bar, so that histories of different lengths may never agree. For each
bar it is therefore computed from the lowest low of a window before that bar, and nothing older.
"""

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.compiled import njit


@njit(cache=True, nogil=True)
def restart_rows(low: Floats, first: int, window: int) -> NDArray[np.int64]:
    """For each row t the row of the lowest low in the older half of the last `window` rows, int64 (n,).

    That is rows t - window + 1 to t - window // 2, and the latest of equal lows; in the newer half the indicator
    settles. Rows before `first` are ignored; `first` where there is no other row.
    """
    found = np.full(len(low), first)
    queue = np.empty(len(low), np.int64)  # the lowest row of the older half, then its possible successors
    head = tail = 0
    for t in range(first + window // 2, len(low)):
        entering = t - window // 2
        while tail > head and low[entering] <= low[queue[tail - 1]]:
            tail -= 1
        queue[tail] = entering
        tail += 1
        while queue[head] <= t - window:
            head += 1
        found[t] = queue[head]
    return found
