"""The landscape of a search: its scores over the parameters, small enough to be drawn."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Floats

# Cells along an axis: more are not told apart on a screen.
MAX_CELLS = 40


@dataclass(frozen=True, slots=True)
class Axis:
    """The values of a parameter, neighbours put together where there are too many: ends are (k, 2), the least and
    the greatest value of each place; place (n,) is that of each combination."""

    ends: Floats
    place: NDArray[np.int64]

    @classmethod
    def of(cls, values: Floats, most: int = MAX_CELLS) -> "Axis":
        distinct, place = np.unique(values, return_inverse=True)
        together = max(-(-len(distinct) // most), 1)
        first = np.arange(0, len(distinct), together)
        last = np.minimum(first + together, len(distinct)) - 1
        return cls(np.column_stack([distinct[first], distinct[last]]), place // together)


@dataclass(frozen=True, slots=True)
class HeatMap:
    """cells: the best or the median score of each pair of places (y, x), NaN where no combination has one;
    counts: how many have."""

    x: Axis
    y: Axis
    cells: Floats
    counts: NDArray[np.int64]


def heat_map(x: Floats, y: Floats, score: Floats, *, best: bool) -> HeatMap:
    """x, y, score (n,) of the combinations; a score of NaN counts for nothing, but its values have a place."""
    across, down = Axis.of(x), Axis.of(y)
    width, height = len(across.ends), len(down.ends)
    cells, counts = np.full(width * height, np.nan), np.zeros(width * height, np.int64)
    known = np.isfinite(score)
    cell, found = (down.place * width + across.place)[known], score[known]
    order = np.lexsort((found, cell))
    places, first, number = np.unique(cell[order], return_index=True, return_counts=True)
    ordered = found[order]
    if best:
        cells[places] = ordered[first + number - 1]
    else:
        cells[places] = (ordered[first + (number - 1) // 2] + ordered[first + number // 2]) / 2
    counts[places] = number
    return HeatMap(across, down, cells.reshape(height, width), counts.reshape(height, width))


def sample(score: Floats, most: int) -> NDArray[np.int64]:
    """Which rows stand for all, at most `most`: evenly spaced by score, ascending, the best one last."""
    order = np.argsort(score, kind="stable")
    order = order[: int(np.isfinite(score).sum())]
    if len(order) <= most:
        return order
    return order[np.linspace(0, len(order) - 1, most).round().astype(np.int64)]
