"""Neighbours: the combinations that stand one step of a grid around a chosen one."""

from itertools import product

from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.sampling import Batch, accepts
from strategies.kinds.base import Kind

# With more parameters than this only one of them moves at a time: 3^4 - 1 combinations would already be 80.
MAX_TOGETHER = 3


def around(kind: type[Kind], grid: Grid, number: int) -> Batch:
    """The combinations at most one step away in every parameter from that of the number; itself and what the
    kind's own rule refuses are left out."""
    places = grid.places(number)
    moving = [name for name, values in grid.axes.items() if len(values) > 1]
    if len(moving) <= MAX_TOGETHER:
        moves = [dict(zip(moving, steps, strict=True)) for steps in product((-1, 0, 1), repeat=len(moving))]
    else:
        moves = [{name: step} for name in moving for step in (-1, 1)]
    found: Batch = []
    for move in moves:
        moved = {name: place + move.get(name, 0) for name, place in places.items()}
        if moved == places or any(not 0 <= moved[name] < len(values) for name, values in grid.axes.items()):
            continue
        combination = {name: values[moved[name]] for name, values in grid.axes.items()}
        if accepts(kind, combination):
            found.append((grid.number_at(moved), combination))
    return found
