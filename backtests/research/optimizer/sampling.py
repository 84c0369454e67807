"""Sampling: the batches of combinations that a search runs."""

from collections.abc import Iterator, Sequence, Set
from itertools import islice

from backtests.research.optimizer.grid import Combination, Grid
from backtests.research.optimizer.shuffle import Shuffle
from strategies.kinds.base import InvalidParameters, Kind

Batch = list[tuple[int, Combination]]

# The most numbers that are checked for a batch: for each combination of the batch, plus a fixed part. A batch ends
# even when the kind's own rule accepts only one combination in a thousand.
CHECKED_PER_COMBINATION, CHECKED_EXTRA = 50, 5_000


def grid_batch(kind: type[Kind], grid: Grid, first: int, size: int) -> Batch:
    """The `size` combinations from number `first` on, without those that the kind's own rule refuses."""
    return list(_accepted(kind, grid, iter(range(first, min(first + size, grid.size)))))


def random_batch(kind: type[Kind], grid: Grid, seed: int, first: int, size: int, total: int) -> Batch:
    """Up to `size` random combinations, all different: the part from `first` on of a sample of `total`.

    The parts of a sample are disjoint ranges of one shuffle, so that no two workers draw the same combination. The
    batch is smaller when the kind's own rule accepts fewer, or too few among the numbers that are checked.
    """
    places = range(first * grid.size // total, (first + size) * grid.size // total)
    return _drawn(kind, grid, seed, places, frozenset(), size)


def untried_batch(kind: type[Kind], grid: Grid, seed: int, tried: Set[int], size: int) -> Batch:
    """Up to `size` random combinations, all different, whose numbers are not in `tried`."""
    return _drawn(kind, grid, seed, range(grid.size), tried, size)


def count_accepted(kind: type[Kind], grid: Grid) -> int:
    """The number of combinations that the kind's own rule accepts; checks every one of them."""
    return sum(accepts(kind, grid.at(number)) for number in range(grid.size))


def accepts(kind: type[Kind], combination: Combination) -> bool:
    try:
        kind(**combination)
    except InvalidParameters:
        return False
    return True


def _drawn(kind: type[Kind], grid: Grid, seed: int, places: Sequence[int], tried: Set[int], size: int) -> Batch:
    shuffle = Shuffle(grid.size, seed)
    numbers = (shuffle.at(place) for place in places[: CHECKED_PER_COMBINATION * size + CHECKED_EXTRA])
    return list(islice(_accepted(kind, grid, (number for number in numbers if number not in tried)), size))


def _accepted(kind: type[Kind], grid: Grid, numbers: Iterator[int]) -> Iterator[tuple[int, Combination]]:
    for number in numbers:
        combination = grid.at(number)
        if accepts(kind, combination):
            yield number, combination
