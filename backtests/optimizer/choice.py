"""The choice: which combinations a stretch of a search tries."""

from collections.abc import Iterator

from backtests.optimizer.grid import Combination, Grid
from backtests.optimizer.shuffle import Shuffle
from strategies.kinds.base import InvalidParameters, Kind

Chosen = list[tuple[int, Combination]]


def of_grid(kind: type[Kind], grid: Grid, first: int, size: int) -> Chosen:
    """The numbers from `first` on, `size` of them, but for those that the kind's own rule refuses."""
    return list(_accepted(kind, grid, iter(range(first, min(first + size, len(grid))))))


def at_random(kind: type[Kind], grid: Grid, seed: int, part: int, parts: int, size: int) -> Chosen:
    """Up to `size` combinations, no two the same, of the `part`-th of `parts` stretches of a shuffle.

    Stretches share no number, so the workers that take them draw nothing twice. Fewer come out where the kind's
    own rule leaves fewer.
    """
    shuffle = Shuffle(len(grid), seed)
    places = range(part * len(grid) // parts, (part + 1) * len(grid) // parts)
    drawn = _accepted(kind, grid, (shuffle.at(place) for place in places))
    return [found for found, _ in zip(drawn, range(size), strict=False)]


def _accepted(kind: type[Kind], grid: Grid, numbers: Iterator[int]) -> Iterator[tuple[int, Combination]]:
    for number in numbers:
        combination = grid.at(number)
        try:
            kind(**combination)
        except InvalidParameters:
            continue
        yield number, combination
