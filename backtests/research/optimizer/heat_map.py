"""Heat map: the scores of a search over two of its parameters, small enough to be drawn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

# Cells along an axis; more cannot be distinguished on a screen.
MAX_CELLS = 40


@dataclass(frozen=True, slots=True)
class Axis:
    """The values of a parameter, neighbouring values grouped where there are too many. ends (k, 2): the lowest and
    the highest value of each group. place (n,): the group of each combination.
    """

    ends: Floats
    place: NDArray[np.int64]

    @classmethod
    def of(cls, values: Floats, most: int = MAX_CELLS) -> "Axis":
        distinct, place = np.unique(values, return_inverse=True)
        size = max(-(-len(distinct) // most), 1)
        first = np.arange(0, len(distinct), size)
        last = np.minimum(first + size, len(distinct)) - 1
        return cls(np.column_stack([distinct[first], distinct[last]]), place // size)


@dataclass(frozen=True, slots=True)
class HeatMap:
    """cells (y, x): the best or the median score of each pair of groups, NaN where no combination has a score.
    counts: the number of combinations with a score. tried: the number of all combinations.
    """

    x: Axis
    y: Axis
    cells: Floats
    counts: NDArray[np.int64]
    tried: NDArray[np.int64]


def heat_map(x: Floats, y: Floats, score: Floats, *, best: bool) -> HeatMap:
    """x, y, score (n,) of the combinations. One with a score of NaN is ignored, but its values are on the axes."""
    across, down = Axis.of(x), Axis.of(y)
    width, height = len(across.ends), len(down.ends)
    cells, counts = np.full(width * height, np.nan), np.zeros(width * height, np.int64)
    known = np.isfinite(score)
    place = down.place * width + across.place
    cell, scored = place[known], score[known]
    order = np.lexsort((scored, cell))
    filled, first, count = np.unique(cell[order], return_index=True, return_counts=True)
    ordered = scored[order]
    if best:
        cells[filled] = ordered[first + count - 1]
    else:
        cells[filled] = (ordered[first + (count - 1) // 2] + ordered[first + count // 2]) / 2
    counts[filled] = count
    tried = np.bincount(place, minlength=width * height)
    shape = (height, width)
    return HeatMap(across, down, cells.reshape(shape), counts.reshape(shape), tried.reshape(shape))


def sample_rows(score: Floats, most: int) -> NDArray[np.int64]:
    """At most `most` rows with a score, evenly spaced in the order of scores, ascending, the best one last."""
    order = np.argsort(score, kind="stable")
    order = order[: int(np.isfinite(score).sum())]
    if len(order) <= most:
        return order
    return order[np.linspace(0, len(order) - 1, most).round().astype(np.int64)]
