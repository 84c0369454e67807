"""Curves: the equity at the end of each session, and the returns from session to session."""

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats
from tradedesk.core.compiled import njit

# As in core.ratios: division by zero gives infinity or NaN.
compiled = njit(cache=True, nogil=True, error_model="numpy")


@compiled
def session_ends(session: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows (k,) of the last bar of each session, given the day number of each bar (m,)."""
    ends = np.empty(len(session), np.int64)
    count = 0
    for t in range(len(session)):
        if t == len(session) - 1 or session[t + 1] != session[t]:
            ends[count] = t
            count += 1
    return ends[:count].copy()


@compiled
def session_equity(equity: Floats, ends: NDArray[np.int64]) -> Floats:
    """The equity at the end of each session (k,); with daily bars that is the whole curve."""
    return equity if len(ends) == len(equity) else equity[ends]


@compiled
def session_returns(equity: Floats, capital: float) -> Floats:
    """r_t = E_t / E_{t-1} - 1 of end-of-session equity (k,); E_0 is the capital.

    The returns end with the session in which the equity falls to zero or below: after it there is no base for one.
    """
    count = _sessions_until_zero(equity)
    returns = np.empty(count)
    if count > 0:
        returns[0] = equity[0] / capital - 1.0
    for t in range(1, count):
        returns[t] = equity[t] / equity[t - 1] - 1.0
    return returns


@compiled
def _sessions_until_zero(equity: Floats) -> int:
    """The number of sessions up to and including the first with equity of zero or below; all if there is none."""
    reaches_zero = False
    for t in range(len(equity)):  # without an early exit, so that the compiler can vectorize the loop
        reaches_zero |= equity[t] <= 0.0
    if not reaches_zero:
        return len(equity)
    count = 1
    while equity[count - 1] > 0.0:
        count += 1
    return count
