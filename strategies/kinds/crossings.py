"""Crossings: the one place that decides whether a value stands above another, and when two lines cross."""

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

# Two values closer than this fraction of the level they live on are a tie: sums in floating point misread an
# exact tie, and the trade would move by a bar.
TOLERANCE = 1e-9


def exceeds(first: Floats | float, second: Floats | float, level: Floats | float) -> NDArray[np.bool_]:
    """Where `first` is above `second` (n,) by more than the tolerance; never where one of them is NaN.

    level: the size of the numbers compared, in their unit: the close for prices and differences of prices,
    100 for an oscillator from 0 to 100.
    """
    return np.asarray(np.subtract(first, second) > TOLERANCE * level)


def crossings(first: Floats, second: Floats | float, level: Floats | float) -> NDArray[np.int8]:
    """int8 (n,): +1 on the one bar where `first` crosses above `second`, -1 where it crosses below, else 0.

    Above at t and not above at t-1, where a tie is not above; below likewise. What comes out of NaN has not
    crossed.
    """
    position = exceeds(first, second, level).astype(np.int8) - exceeds(second, first, level)
    known = ~np.isnan(np.subtract(first, second))
    crossed = np.zeros(len(first), np.int8)
    crossed[1:] = position[1:] * ((position[1:] != position[:-1]) & known[:-1])
    return crossed
