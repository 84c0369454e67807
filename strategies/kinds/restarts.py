"""Restarts: where an indicator that never forgets its first bar begins anew, by what the prices say alone.

A trailing stop hands its state from bar to bar without end, so that histories of different length may disagree
for ever. Begun anew, for every bar, at the lowest low of the stretch before it, it knows nothing older.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradedesk.core.bars import Floats


@njit(cache=True, nogil=True)
def restarts(low: Floats, first: int, stretch: int) -> NDArray[np.int64]:
    """For each row t the row of the lowest low in the older half of the last `stretch` rows, int64 (n,).

    That is from t - stretch + 1 to t - stretch // 2, the latest of equal lows; the newer half is left for the
    indicator to find its pace in. Rows before `first` do not count; where no other is left, `first` is the answer.
    """
    found = np.full(len(low), first)
    waiting = np.empty(len(low), np.int64)  # the lowest row of the older half, then those that may follow it
    head = tail = 0
    for t in range(first + stretch // 2, len(low)):
        entering = t - stretch // 2
        while tail > head and low[entering] <= low[waiting[tail - 1]]:
            tail -= 1
        waiting[tail] = entering
        tail += 1
        while waiting[head] <= t - stretch:
            head += 1
        found[t] = waiting[head]
    return found
