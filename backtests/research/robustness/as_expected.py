"""Whether later trades are what the trades of a backtest led one to expect."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from tradedesk.core.bars import Floats

# With fewer tested trades nothing can be expected of a mean.
MIN_TESTED = 10
DRAWS = 2_000
# Of the means of trades that are like the tested ones, so many percent are below the band, and as many above it.
OUTSIDE = 5.0
# Numbers that are drawn at a time.
_BATCH = 1_000_000
_SEED = 12


class Answer(StrEnum):
    UNKNOWN = "unknown"
    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"


class MeanBand(NamedTuple):
    """Fractions of what the shares cost."""

    low: float
    high: float


def mean_band(tested: Floats, count: int) -> MeanBand | None:
    """The band in which the mean return of `count` trades lies 9 times of 10 when they are like the tested ones,
    whose returns are given in any order. None for fewer than MIN_TESTED of them. Equal input gives the same band.

    The bootstrap draws trades with replacement. Source: B. Efron, Bootstrap Methods: Another Look at the
    Jackknife, Annals of Statistics 7 (1979).
    """
    if len(tested) < MIN_TESTED or count < 1:
        return None
    random, returns = np.random.default_rng(_SEED), np.sort(np.asarray(tested, np.float64))
    batch = max(1, _BATCH // count)
    sizes = [min(batch, DRAWS - begun) for begun in range(0, DRAWS, batch)]
    means = np.concatenate([random.choice(returns, (size, count)).mean(axis=1) for size in sizes])
    low, high = np.percentile(means, (OUTSIDE, 100.0 - OUTSIDE))
    return MeanBand(float(low), float(high))


def as_expected(tested: Floats, later: Floats) -> tuple[Answer, MeanBand | None]:
    """How the mean of the later returns lies to the band of as many tested ones."""
    band = mean_band(tested, len(later))
    if band is None:
        return Answer.UNKNOWN, None
    mean = float(np.mean(np.sort(later)))
    if mean < band.low:
        return Answer.BELOW, band
    return (Answer.ABOVE if mean > band.high else Answer.WITHIN), band
