"""Years: how many sessions a year has, and when a period is long enough for a figure per year."""

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.compiled import njit

SESSIONS_PER_YEAR = 252  # of the exchange
# A growth or a ratio per year of fewer days than this says nothing about a year.
LEAST_YEARLY_DAYS = 90


@njit(cache=True, nogil=True)
def periods_per_year(session: NDArray[np.int64]) -> float:
    """P of a series whose sessions have these day numbers since 1970 (ascending, a number may repeat).

    By the fewest days between two of them: 12 for months, 52 for weeks. Of days 365 where at least every seventh
    of them is a Saturday or a Sunday, which are two of the seven days of a market that never closes; else 252,
    those of the exchange.
    """
    sessions = weekend = 0
    apart = np.iinfo(np.int64).max
    for t in range(len(session)):
        if t == 0 or session[t] != session[t - 1]:
            if t > 0:
                apart = min(apart, session[t] - session[t - 1])
            sessions += 1
            weekend += (session[t] + 3) % 7 >= 5  # day 0 was a Thursday
    if sessions > 1 and apart >= 5:
        return 52.0 if apart < 20 else 12.0
    return 365.0 if 0 < sessions <= 7 * weekend else float(SESSIONS_PER_YEAR)


@njit(cache=True, nogil=True)
def annual_factor(session: NDArray[np.int64]) -> float:
    """P where the sessions are enough for figures per year, else 1: figures are then per session."""
    return periods_per_year(session) if is_yearly(session) else 1.0


@njit(cache=True, nogil=True)
def is_yearly(session: NDArray[np.int64]) -> bool:
    """Whether the sessions, given the day number of each row, are enough for figures per year."""
    return len(session) > 0 and session[-1] - session[0] >= LEAST_YEARLY_DAYS
