"""The warm-ups of the combinations of a grid, without a look at each combination."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from backtests.research.optimizer.grid import Grid, Value
from strategies.kinds.base import Kind

# At most this many combinations are looked at. Of larger grids the axes are thinned, their ends kept, so the
# longest and the shortest warm-up are exact where the warm-up grows or falls with each parameter, and counts are
# estimates.
MAX_ENUMERATED = 20_000


@dataclass(frozen=True, slots=True)
class Warmups:
    """counts: by warm-up in bars, the number of combinations. shortest: for each value of each parameter that the
    warm-up depends on, the shortest warm-up of its combinations. Combinations that the kind's own rule refuses are
    included."""

    counts: dict[int, int]
    shortest: dict[str, dict[Value, int]] = field(default_factory=dict)

    def longest_within(self, limit: int) -> int:
        """The longest warm-up of at most `limit` bars; 0 without one."""
        return max((bars for bars in self.counts if bars <= limit), default=0)

    def count_beyond(self, limit: int) -> int:
        return sum(count for bars, count in self.counts.items() if bars > limit)

    def values_beyond(self, limit: int) -> dict[str, tuple[Value, Value]]:
        """By parameter, the lowest and the highest value with which every warm-up is longer than `limit` bars."""
        beyond = {name: [v for v, bars in each.items() if bars > limit] for name, each in self.shortest.items()}
        return {name: (min(values), max(values)) for name, values in beyond.items() if values}


def warmups_of(kind: type[Kind], grid: Grid) -> Warmups:
    """Looks at the combinations of those parameters that the warm-up depends on; any other value changes
    nothing."""
    names: set[str] = set()
    while True:
        counts, shortest, read = _enumerate(kind, grid, names)
        if read <= names:
            return Warmups(counts, shortest)
        names |= read


def _enumerate(
    kind: type[Kind], grid: Grid, names: set[str]
) -> tuple[dict[int, int], dict[str, dict[Value, int]], set[str]]:
    """As in Warmups, over the values of these parameters, and the parameters that were read."""
    axes = _thinned({name: values for name, values in grid.axes.items() if name in names})
    first = grid.at(0)
    found: Counter[int] = Counter()
    shortest: dict[str, dict[Value, int]] = {name: {} for name in axes}
    read: set[str] = set()
    for values in product(*axes.values()):
        chosen = dict(zip(axes, values, strict=True))
        bars = _warmup_of(kind, first | chosen, read)
        found[bars] += 1
        for name, value in chosen.items():
            shortest[name][value] = min(bars, shortest[name].get(value, bars))
    share = grid.size / max(sum(found.values()), 1)
    return {bars: round(count * share) for bars, count in found.items()}, shortest, read


def _warmup_of(kind: type[Kind], values: Mapping[str, Value], read: set[str]) -> int:
    """The warm-up with these values, which the kind's own rule may refuse; adds the parameters it read to
    `read`."""
    values_read = _Read(values)
    made = object.__new__(kind)
    made.__dict__ = values_read
    try:
        return made.warmup()
    except Exception:  # a trader's own kind may raise anything for values that it refuses; they are not tested
        return 1
    finally:
        read |= values_read.names


class _Read(dict[str, Any]):
    """The values of a kind, which remember the names that were asked for."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        super().__init__(values)
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().get(key, default)


def _thinned(axes: dict[str, tuple[Value, ...]]) -> dict[str, tuple[Value, ...]]:
    """Every second value of the longest axis, and its last, until there are few enough combinations."""
    while Grid(axes).size > MAX_ENUMERATED:
        name = max(axes, key=lambda each: len(axes[each]))
        values = axes[name]
        axes = axes | {name: tuple(dict.fromkeys((*values[:-1:2], values[-1])))}
    return axes
