"""Distributions: the number of trades in each bin of a figure."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

MIN_BINS = 20  # approximately; the width is rounded up
MAX_BINS = 40
ROUND_WIDTHS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """k bins of equal width: edges (k + 1,), counts (k,). A bin includes its lower edge and not its upper one."""

    edges: Floats
    counts: NDArray[np.int64]


def distribution(values: Floats, most: int = MAX_BINS) -> Distribution:
    """The values (n,), all finite, in at most `most` bins; without values there are no bins.

    Zero is an edge, so that no bin has both gains and losses. The width is that of Freedman and Diaconis,
    2 IQR / n^(1/3), or a twentieth of the range where that is less, rounded up to 1, 2, 2.5 or 5 times a power of
    ten. Source: D. Freedman and P. Diaconis, On the histogram as a density estimator: L2 theory, Zeitschrift für
    Wahrscheinlichkeitstheorie 57 (1981).
    """
    if not len(values):
        return Distribution(np.empty(0), np.empty(0, np.int64))
    least, greatest = float(values.min()), float(values.max())
    size = max(abs(least), abs(greatest)) or 1.0
    low, high = np.percentile(values, [25, 75])
    widths = (2.0 * (high - low) / len(values) ** (1 / 3), (greatest - least) / MIN_BINS)
    # A width below the rounding error is ignored: equal values get one bin as wide as they are large.
    width = _rounded_up(min((width for width in widths if width > size * 1e-9), default=size))
    while math.floor(greatest / width) - math.floor(least / width) + 1 > most:
        width = _rounded_up(width * 1.5)
    # A quotient can round across an edge, so one bin more is made at each end, and empty bins there are removed.
    steps = np.arange(math.floor(least / width) - 1, math.floor(greatest / width) + 3, dtype=np.int64)
    edges = steps.astype(float) * width
    places = np.searchsorted(edges, values, side="right") - 1
    first, last = int(places.min()), int(places.max())
    return Distribution(edges[first : last + 2], np.bincount(places - first, minlength=last - first + 1))


def _rounded_up(width: float) -> float:
    """The next larger of 1, 2, 2.5, 5 and 10 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(width))
    return power * next(step for step in ROUND_WIDTHS if step * power >= width * (1 - 1e-12))
