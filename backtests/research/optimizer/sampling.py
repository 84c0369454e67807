"""The choice: which combinations a stretch of a search tries."""

from collections.abc import Iterator, Sequence, Set
from itertools import islice

from backtests.research.optimizer.grid import Combination, Grid
from backtests.research.optimizer.shuffle import Shuffle
from strategies.kinds.base import InvalidParameters, Kind

Batch = list[tuple[int, Combination]]

# Numbers looked at for each combination that is wanted, and a start: where the kind's own rule leaves one in a
# thousand a search must end all the same.
LOOKS_EACH, LOOKS_MORE = 50, 5_000


def of_grid(kind: type[Kind], grid: Grid, first: int, size: int) -> Batch:
    """The numbers from `first` on, `size` of them, but for those that the kind's own rule refuses."""
    return list(_accepted(kind, grid, iter(range(first, min(first + size, grid.size)))))


def at_random(kind: type[Kind], grid: Grid, seed: int, first: int, size: int, total: int) -> Batch:
    """Up to `size` combinations, no two the same: those from the `first` on of `total` that are drawn.

    The stretches of a shuffle that stand for them share no number, so the workers that take them draw nothing
    twice. Fewer come out where the kind's own rule leaves fewer, or so few that they are not found among the first
    50 numbers for each.
    """
    places = range(first * grid.size // total, (first + size) * grid.size // total)
    return _drawn(kind, grid, seed, places, frozenset(), size)


def untried_at_random(kind: type[Kind], grid: Grid, seed: int, tried: Set[int], size: int) -> Batch:
    """Up to `size` combinations, no two the same, whose numbers are not among those tried."""
    return _drawn(kind, grid, seed, range(grid.size), tried, size)


def count_accepted(kind: type[Kind], grid: Grid) -> int:
    """How many combinations the kind's own rule accepts, each looked at."""
    return sum(accepts(kind, grid.at(number)) for number in range(grid.size))


def accepts(kind: type[Kind], combination: Combination) -> bool:
    try:
        kind(**combination)
    except InvalidParameters:
        return False
    return True


def _drawn(kind: type[Kind], grid: Grid, seed: int, places: Sequence[int], tried: Set[int], size: int) -> Batch:
    shuffle = Shuffle(grid.size, seed)
    numbers = (shuffle.at(place) for place in places[: LOOKS_EACH * size + LOOKS_MORE])
    return list(islice(_accepted(kind, grid, (number for number in numbers if number not in tried)), size))


def _accepted(kind: type[Kind], grid: Grid, numbers: Iterator[int]) -> Iterator[tuple[int, Combination]]:
    for number in numbers:
        combination = grid.at(number)
        if accepts(kind, combination):
            yield number, combination
