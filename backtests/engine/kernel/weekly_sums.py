"""Weekly sums: what a test against chance needs of a result, and a hash that tells two results apart."""

import math

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.compiled import njit
from tradedesk.core.ratios import NO_SPREAD

# One trial beside its weekly sums. sessions: the number of its returns. digest: see write_weekly_sums.
TRIAL = np.dtype([("sessions", np.int64), ("digest", np.int64)])
# The weekly sums are rounded to this, so that every sum of products with multipliers is exact in float32.
WEEKLY_STEP = 1.0 / 4096.0
RETURN_STEP = 1e-9  # two results are the same when their session returns are, rounded to this


@njit(cache=True, nogil=True)
def write_weekly_sums(
    returns: Floats,
    week: NDArray[np.int64],
    key: NDArray[np.int64],
    sums: NDArray[np.float32],
    trial: NDArray[np.void],
) -> None:
    """Write a trial's weekly sums into sums (weeks,), and its TRIAL into trial (1,).

    returns (n,): by session. week, key (k,), k >= n: of each session its week, counted from the first, and a
    random integer. A sum is that of r - mean(r) over the week's sessions, divided by the root of the sum of all
    squares; all are 0 without spread. digest: the sum of key x (1 + r / 1e-9), rounded, modulo 2^64.
    """
    n = len(returns)
    total, digest = 0.0, np.int64(0)
    for t in range(n):
        total += returns[t]
        digest += key[t] * (np.int64(np.rint(returns[t] / RETURN_STEP)) + 1)
    trial[0]["sessions"] = n
    trial[0]["digest"] = digest
    sums[:] = 0.0
    if n == 0:
        return
    mean = total / n
    exact = np.zeros(len(sums))
    for t in range(n):
        exact[week[t]] += returns[t] - mean
    squares = 0.0
    for w in range(len(exact)):
        squares += exact[w] * exact[w]
    length = math.sqrt(squares)
    if length < NO_SPREAD:
        return
    for w in range(len(exact)):
        sums[w] = np.rint(exact[w] / length / WEEKLY_STEP) * WEEKLY_STEP
