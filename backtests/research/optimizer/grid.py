"""Grid: the values of each parameter, and their combinations by number."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from strategies.kinds.base import Kind, Param

Value = int | float
Combination = dict[str, Value]
Range = tuple[Value, Value, Value]

# The last step may miss the upper end by this part of a step: 0.1 + 0.2 is not 0.3.
TOLERANCE = 1e-9
DECIMALS = 10
MIN_STEP = 10.0**-DECIMALS  # a smaller one would give equal values
# On one axis. A step of a millionth is a typing error, and its values would not fit into memory.
MAX_VALUES = 100_000


class InvalidGrid(ValueError):
    """A grid that cannot be searched. errors: the message for each parameter, "" for the whole grid."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Grid:
    """axes: the values of each parameter, in the order of declaration. Combinations are numbered so that the last
    axis changes fastest.
    """

    axes: dict[str, tuple[Value, ...]]

    @classmethod
    def of(cls, kind: type[Kind], ranges: Mapping[str, Range], fixed: Mapping[str, Value]) -> Self:
        """ranges: (low, high, step) of the parameters that vary. fixed: the values of others; a parameter in
        neither has its default. Raises InvalidGrid for names, bounds and steps that the kind does not accept.
        """
        params = kind.params()
        errors = {
            name: f"{kind.name} has no parameter “{name}”." for name in [*ranges, *fixed] if name not in params
        }
        axes: dict[str, tuple[Value, ...]] = {}
        for name, param in params.items():
            try:
                axes[name] = _axis(param, ranges[name]) if name in ranges else (fixed.get(name, param.default),)
            except ValueError as error:
                errors[name] = str(error)
        if errors:
            raise InvalidGrid(errors)
        return cls(axes)

    @property
    def size(self) -> int:
        """The number of combinations. Not len(), which cannot exceed 2^63."""
        return math.prod(len(values) for values in self.axes.values())

    def at(self, number: int) -> Combination:
        """The combination with this number, 0 <= number < size."""
        return {name: self.axes[name][place] for name, place in self.positions(number).items()}

    def number_of(self, combination: Mapping[str, Value]) -> int:
        """The inverse of `at`. Raises ValueError for values that are not on the grid."""
        return self.number_at({name: values.index(combination[name]) for name, values in self.axes.items()})

    def positions(self, number: int) -> dict[str, int]:
        """The position on each axis of the combination with this number."""
        found: dict[str, int] = {}
        for name, values in reversed(self.axes.items()):
            number, found[name] = divmod(number, len(values))
        return dict(reversed(found.items()))

    def number_at(self, positions: Mapping[str, int]) -> int:
        """The inverse of `positions`."""
        number = 0
        for name, values in self.axes.items():
            number = number * len(values) + positions[name]
        return number


def _axis(param: "Param[int] | Param[float]", given: Range) -> tuple[Value, ...]:
    """The values of one axis. Raises ValueError with a message for the trader."""
    low, high = (param.clean(end) for end in given[:2])
    step = given[2]
    if isinstance(step, bool) or not isinstance(step, int | float) or not math.isfinite(step) or step <= 0:
        raise ValueError(f"The step of {param.label} must be above 0.")
    if param.is_integer and not float(step).is_integer():
        raise ValueError(f"The step of {param.label} must be a whole number.")
    if step < MIN_STEP:
        raise ValueError(f"The step of {param.label} must be at least {MIN_STEP:g}.")
    if low > high:
        raise ValueError(
            f"The lower bound of {param.label}, {low:g}, is above the upper bound, {high:g}. Swap them."
        )
    count = math.floor((high - low) / step + TOLERANCE) + 1
    if count > MAX_VALUES:
        raise ValueError(f"{param.label} has {count:,} values, more than {MAX_VALUES:,}. Use a larger step.")
    if param.is_integer:
        return tuple(int(low) + int(step) * place for place in range(count))
    return tuple(round(low + step * place, DECIMALS) for place in range(count))
