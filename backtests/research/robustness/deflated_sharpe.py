"""Deflated Sharpe ratio: the probability that a Sharpe ratio is real, given the number of trials.

All Sharpe ratios here are per session, not per year. Kurtosis is not excess kurtosis: a normal has 3.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from tradedesk.core.bars import Floats
from tradedesk.core.metrics import NO_SPREAD

EULER_MASCHERONI = 0.5772156649015329
NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Moments:
    """sharpe: mean / standard deviation (ddof 1) per session. skewness, kurtosis: of the returns. sessions: n."""

    sharpe: float
    skewness: float
    kurtosis: float
    sessions: int


def moments(returns: Floats) -> Moments | None:
    """The moments of the session returns (n,); None for fewer than four returns, or when all are equal."""
    n = len(returns)
    if n < 4:
        return None
    deviations = returns - returns.mean()
    spread = math.sqrt(np.square(deviations).sum() / (n - 1))
    if spread < NO_SPREAD:
        return None
    second = np.square(deviations).mean()
    return Moments(
        sharpe=float(returns.mean() / spread),
        skewness=float((deviations**3).mean() / second**1.5),
        kurtosis=float((deviations**4).mean() / second**2),
        sessions=n,
    )


def standard_score(sample: Moments, benchmark: float = 0.0) -> float:
    """z, by how many of its standard errors the Sharpe ratio is above `benchmark`, given the length and the shape
    of the sample.

    z = (SR - SR*) sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2). Source: D. H. Bailey and M. Lopez de
    Prado, The Sharpe Ratio Efficient Frontier, Journal of Risk 15 (2012).
    """
    sr = sample.sharpe
    # Negative only for impossible pairs of skewness and kurtosis, which rounding can produce.
    variance = max(1.0 - sample.skewness * sr + (sample.kurtosis - 1.0) / 4.0 * sr * sr, NO_SPREAD)
    return (sr - benchmark) * math.sqrt(sample.sessions - 1) / math.sqrt(variance)


def probabilistic_sharpe(sample: Moments, benchmark: float = 0.0) -> float:
    """The probability that the true Sharpe ratio is above `benchmark`, that of a normal below its standard score.
    Source: the same."""
    return NORMAL.cdf(standard_score(sample, benchmark))


def expected_best(variance: float, trials: int) -> float:
    """SR0, the expected Sharpe ratio of the best of `trials` strategies without skill.

    sqrt(V) ((1 - g) Z^-1[1 - 1/N] + g Z^-1[1 - 1/(N e)]), g being the Euler-Mascheroni constant and V the variance
    of the trials' Sharpe ratios; 0 for a single trial. Source: D. H. Bailey and M. Lopez de Prado, The Deflated
    Sharpe Ratio, Journal of Portfolio Management 40 (2014).
    """
    if trials < 2:
        return 0.0
    # Near N = 2 the formula can be negative, but the best of several is never expected below a single one.
    first = NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return max(math.sqrt(variance) * ((1.0 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second), 0.0)


def deflated_sharpe(sample: Moments, variance: float, trials: int) -> float:
    """The probability that the true Sharpe ratio is above zero, given that it is the best of `trials`: the
    probabilistic Sharpe ratio against `expected_best`. Source: the same."""
    return probabilistic_sharpe(sample, expected_best(variance, trials))
