"""Crossings: decides with one tolerance whether a value is above another and when two lines cross."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats, read_only
from tradedesk.core.compiled import njit

# Two values closer than this fraction of their level are a tie: floating-point sums do not show an exact tie as
# equal, and the trade would move by a bar.
TOLERANCE = 1e-9
# The position of one line relative to another; ABOVE and BELOW are also the results of a crossing.
ABOVE, BELOW, TIE, UNKNOWN = 1, -1, 0, 2


def exceeds(first: Floats | float, second: Floats | float, level: Floats | float) -> NDArray[np.bool_]:
    """Where `first` is above `second` (n,) by more than the tolerance; False where one of them is NaN.

    level: the size of the numbers compared, in their unit: the close for prices and differences of prices,
    100 for an oscillator from 0 to 100.
    """
    return np.asarray(np.subtract(first, second) > TOLERANCE * level)


def crossings(first: Floats, second: Floats | float, level: Floats | float) -> NDArray[np.int8]:
    """int8 (n,): +1 on the one bar where `first` crosses above `second`, -1 where it crosses below, else 0.

    Above at t and not above at t-1, where a tie is not above; below in the same way. A row after NaN is 0.
    """
    second, level = (
        line if isinstance(line, np.ndarray) else np.full(len(first), line) for line in (second, level)
    )
    crossed = np.empty(len(first), np.int8)
    position = np.empty(len(first) + 1, np.int8)
    _cross(read_only(first), read_only(second), read_only(level), position, crossed)
    return crossed


def crossings_of_each(
    lines: Floats, pairs: NDArray[np.int64], level: Floats, warmups: Sequence[int]
) -> NDArray[np.int8]:
    """`crossings` of c pairs (c, 2) of rows of lines (p, n), (c, n); 0 until each warm-up is complete."""
    crossed = np.empty((len(pairs), len(level)), np.int8)
    _cross_each(lines, pairs, read_only(level), np.array(warmups), crossed)
    return crossed


@njit(cache=True, nogil=True)
def _cross(
    first: Floats, second: Floats, level: Floats, position: NDArray[np.int8], crossed: NDArray[np.int8]
) -> None:
    """Write crossed (n,) and position (n + 1,), the positions of the lines from before row 0 on.

    Two loops that the compiler can vectorize are faster than one that it cannot.
    """
    position[0] = UNKNOWN
    before, now = position[:-1], position[1:]
    for t in range(len(first)):
        gap, tie = first[t] - second[t], TOLERANCE * level[t]
        now[t] = UNKNOWN if np.isnan(gap) else ABOVE if gap > tie else BELOW if gap < -tie else TIE
    for t in range(len(first)):
        crossed[t] = 0 if (now[t] == before[t]) | (now[t] == UNKNOWN) | (before[t] == UNKNOWN) else now[t]


@njit(cache=True, nogil=True)
def _cross_each(
    lines: Floats, pairs: NDArray[np.int64], level: Floats, warmups: NDArray[np.int64], crossed: NDArray[np.int8]
) -> None:
    position = np.empty(len(level) + 1, np.int8)
    for index in range(len(pairs)):
        first, second = pairs[index]
        _cross(lines[first], lines[second], level, position, crossed[index])
        crossed[index, : warmups[index] - 1] = 0
