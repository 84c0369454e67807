"""The choice: which combinations a stretch of a search tries."""

from collections.abc import Iterator, Sequence, Set
from itertools import islice

from backtests.optimizer.grid import Combination, Grid
from backtests.optimizer.shuffle import Shuffle
from strategies.kinds.base import InvalidParameters, Kind

Chosen = list[tuple[int, Combination]]

# Numbers looked at for each combination that is wanted, and a start: where the kind's own rule leaves one in a
# thousand a search must end all the same.
LOOKS_EACH, LOOKS_MORE = 50, 5_000


def of_grid(kind: type[Kind], grid: Grid, first: int, size: int) -> Chosen:
    """The numbers from `first` on, `size` of them, but for those that the kind's own rule refuses."""
    return list(_accepted(kind, grid, iter(range(first, min(first + size, len(grid))))))


def at_random(kind: type[Kind], grid: Grid, seed: int, part: int, parts: int, size: int) -> Chosen:
    """Up to `size` combinations, no two the same, of the `part`-th of `parts` stretches of a shuffle.

    Stretches share no number, so the workers that take them draw nothing twice. Fewer come out where the kind's
    own rule leaves fewer, or so few that they are not found among the first 50 numbers for each.
    """
    places = range(part * len(grid) // parts, (part + 1) * len(grid) // parts)
    return _drawn(kind, grid, seed, places, frozenset(), size)


def untried_at_random(kind: type[Kind], grid: Grid, seed: int, tried: Set[int], size: int) -> Chosen:
    """Up to `size` combinations, no two the same, whose numbers are not among those tried."""
    return _drawn(kind, grid, seed, range(len(grid)), tried, size)


def count_accepted(kind: type[Kind], grid: Grid) -> int:
    """How many combinations the kind's own rule accepts, each looked at."""
    return sum(accepts(kind, grid.at(number)) for number in range(len(grid)))


def accepts(kind: type[Kind], combination: Combination) -> bool:
    try:
        kind(**combination)
    except InvalidParameters:
        return False
    return True


def _drawn(kind: type[Kind], grid: Grid, seed: int, places: Sequence[int], tried: Set[int], size: int) -> Chosen:
    shuffle = Shuffle(len(grid), seed)
    numbers = (shuffle.at(place) for place in places[: LOOKS_EACH * size + LOOKS_MORE])
    return list(islice(_accepted(kind, grid, (number for number in numbers if number not in tried)), size))


def _accepted(kind: type[Kind], grid: Grid, numbers: Iterator[int]) -> Iterator[tuple[int, Combination]]:
    for number in numbers:
        combination = grid.at(number)
        if accepts(kind, combination):
            yield number, combination
