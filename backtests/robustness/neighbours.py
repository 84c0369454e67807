"""Neighbours: how good the parameters are that stand one step around the chosen ones."""

from collections.abc import Mapping
from itertools import product

import numpy as np

from backtests.optimizer.grid import PLACES, Combination, Grid, Value
from strategies.kinds.base import InvalidParameters, Kind
from tradedesk.core.bars import Floats

# With more parameters than this only one of them moves at a time: 3^4 - 1 combinations would already be 80.
MOST_TOGETHER = 3


def around(kind: type[Kind], grid: Grid, chosen: Mapping[str, int | float]) -> list[Combination]:
    """The combinations at most one step of the grid away in every parameter, itself and what the kind's own rule
    refuses left out. Raises ValueError for a choice that is not on the grid, which writes ten decimals."""
    places = {name: values.index(_written(chosen[name])) for name, values in grid.axes.items()}
    moving = [name for name, values in grid.axes.items() if len(values) > 1]
    if len(moving) <= MOST_TOGETHER:
        moves = [dict(zip(moving, steps, strict=True)) for steps in product((-1, 0, 1), repeat=len(moving))]
    else:
        moves = [{name: step} for name in moving for step in (-1, 1)]
    found: list[Combination] = []
    for move in moves:
        moved = {name: place + move.get(name, 0) for name, place in places.items()}
        if moved == places or any(not 0 <= moved[name] < len(values) for name, values in grid.axes.items()):
            continue
        combination = {name: values[moved[name]] for name, values in grid.axes.items()}
        if accepts(kind, combination):
            found.append(combination)
    return found


def neighbour_scores(grid: Grid, numbers: list[int], scores: Floats) -> Floats:
    """For each of a grid's combinations (n,) the median score of those one step away along one parameter that were
    tried too; NaN where there are none. To rank by it is to ask for a plateau and not for a peak."""
    known = dict(zip(numbers, scores.tolist(), strict=True))
    sizes = [len(values) for values in grid.axes.values()]
    strides = [int(np.prod(sizes[place + 1 :])) for place in range(len(sizes))]
    medians = np.full(len(numbers), np.nan)
    for row, number in enumerate(numbers):
        around_it = [
            known[number + step * stride]
            for size, stride in zip(sizes, strides, strict=True)
            for step in (-1, 1)
            if 0 <= number // stride % size + step < size and number + step * stride in known
        ]
        finite = [score for score in around_it if score == score]
        if finite:
            medians[row] = np.median(finite)
    return medians


def _written(value: Value) -> Value:
    return round(value, PLACES) if isinstance(value, float) else value


def accepts(kind: type[Kind], combination: Combination) -> bool:
    try:
        kind(**combination)
    except InvalidParameters:
        return False
    return True
