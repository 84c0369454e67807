"""Neighbours: the combinations one step of a grid away from a given one."""

from itertools import product

from backtests.research.optimizer.grid import Grid
from backtests.research.optimizer.sampling import Batch, accepts
from strategies.kinds.base import Kind

# With more parameters only one of them changes at a time: 3^4 - 1 would already be 80 combinations.
MAX_TOGETHER = 3


def neighbours_of(kind: type[Kind], grid: Grid, number: int) -> Batch:
    """The combinations at most one step away in every parameter from the one with this number, without itself and
    without those that the kind's own rule refuses."""
    positions = grid.positions(number)
    varied = [name for name, values in grid.axes.items() if len(values) > 1]
    if len(varied) <= MAX_TOGETHER:
        moves = [dict(zip(varied, steps, strict=True)) for steps in product((-1, 0, 1), repeat=len(varied))]
    else:
        moves = [{name: step} for name in varied for step in (-1, 1)]
    found: Batch = []
    for move in moves:
        moved = {name: place + move.get(name, 0) for name, place in positions.items()}
        if moved == positions or any(not 0 <= moved[name] < len(values) for name, values in grid.axes.items()):
            continue
        combination = {name: values[moved[name]] for name, values in grid.axes.items()}
        if accepts(kind, combination):
            found.append((grid.number_at(moved), combination))
    return found
