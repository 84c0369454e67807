"""Chance: whether a result is better than the best that chance alone shows over all trials.

A multiplier bootstrap of the reality check, with the maximum over all trials kept draw by draw, so that a further
trial can only raise it. Sources: H. White, A Reality Check for Data Snooping, Econometrica 68 (2000); P. R.
Hansen, A Test for Superior Predictive Ability, Journal of Business and Economic Statistics 23 (2005); J. P. Romano
and M. Wolf, Stepwise Multiple Testing as Formalized Data Snooping, Econometrica 73 (2005); X. Shao, The Dependent
Wild Bootstrap, Journal of the American Statistical Association 105 (2010); V. Chernozhukov, D. Chetverikov and K.
Kato, Gaussian Approximations and Multiplier Bootstrap for Maxima of Sums of High-Dimensional Random Vectors,
Annals of Statistics 41 (2013).
"""

import math

import numpy as np
from numpy.typing import NDArray

from backtests.research.robustness.deflated_sharpe import NORMAL
from backtests.research.robustness.multipliers import DRAWS, Singles, multipliers
from tradedesk.core.bars import Floats, read_only

TOGETHER = 256  # trials whose statistics are computed together
LEAST_SESSIONS = 4  # as of the moments of a result
# M (B,) of no trial at all.
NO_MAXIMA: Singles = read_only(np.full(DRAWS, -np.inf, np.float32))


def is_compared(sharpe: Floats, sessions: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each trial counts: it has spread, and SR sqrt(n - 1) >= -sqrt(2 ln ln n); a worse one cannot be the
    best, and would only widen the test. Source: Hansen (2005). sharpe (k,): per session, NaN without spread."""
    n = np.maximum(sessions, LEAST_SESSIONS)
    statistic = np.where(np.isnan(sharpe), -np.inf, sharpe) * np.sqrt(n - 1.0)
    enough: NDArray[np.bool_] = sessions >= LEAST_SESSIONS
    return enough & (statistic >= -np.sqrt(2.0 * np.log(np.log(n))))


def maxima_of(weekly: Singles, first_week: int) -> Singles:
    """M[b] = max over the trials of Z[k, b] = sum_w g[b, w] S_w / sqrt(sum_w S_w^2).

    weekly (k, weeks): the normalized weekly sums S of each trial, from the ISO week `first_week` on; a trial
    without spread has zeros and is left out.
    """
    maxima = NO_MAXIMA.copy()
    weekly = weekly[weekly.any(axis=1)]
    for begin in range(0, len(weekly), TOGETHER):
        statistics = weekly[begin : begin + TOGETHER] @ multipliers(first_week, weekly.shape[1])
        np.maximum(maxima, statistics.max(axis=0), out=maxima)
    return maxima


def packed(maxima: Singles) -> bytes:
    """As they are stored: float32, or nothing without trials."""
    return maxima.astype("<f4").tobytes() if np.isfinite(maxima[0]) else b""


def unpacked(stored: bytes | memoryview) -> Singles:
    return np.frombuffer(stored, "<f4") if len(stored) else NO_MAXIMA


def chance_value(z: float, maxima: Singles) -> float:
    """1 - (1 + #{b: M[b] >= z}) / (B + 1): the part of the draws in which the best of all trials, if all were
    without skill, stays below z.

    Without any trial to compare with, as for a single one in the limit: the probability that a standard normal is
    below z, at most B / (B + 1).
    """
    if not np.isfinite(maxima[0]):
        return min(NORMAL.cdf(z), DRAWS / (DRAWS + 1.0))
    return (DRAWS - int((maxima >= z).sum())) / (DRAWS + 1.0)


def best_by_chance(maxima: Singles, sessions: int, per_year: float) -> float | None:
    """The annual Sharpe ratio that chance alone shows at best, median(M) sqrt(per_year / n); None without
    trials."""
    if not np.isfinite(maxima[0]):
        return None
    return float(np.median(maxima)) * math.sqrt(per_year / sessions)
