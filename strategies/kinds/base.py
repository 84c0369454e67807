"""The strategy contract: declared parameters and one vectorised method.

The same object serves the form, the optimizer's grid, the backtest and the live check. docs/strategies.md
shows how to add one.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar, final, overload

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tradedesk.core.bars import Bars, Floats, read_only
from tradedesk.core.signals import Side, Signals

Number = TypeVar("Number", int, float)

HUNDREDTHS = 100.0


class InvalidParameters(ValueError):
    """Parameters a kind refuses. `errors` maps a parameter's name ("" for a rule across several) to a message."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


class Param(Generic[Number]):
    """One declared parameter of a kind: an int or a float, by the type of its default.

    low and high are hard bounds, inclusive; `step` is the form's step; `search` is (low, high, step), the
    optimizer's default range.
    """

    name: str

    def __init__(
        self,
        default: Number,
        *,
        low: Number,
        high: Number,
        step: Number,
        search: tuple[Number, Number, Number],
        label: str,
        help: str = "",  # noqa: A002 - the word of Django's form fields
    ) -> None:
        self.default: Number = default
        self.is_integer = isinstance(default, int)
        self.low: Number = low
        self.high: Number = high
        self.step: Number = step
        self.search: tuple[Number, Number, Number] = search
        self.label = label
        self.help = help

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, kind: None, owner: type) -> "Param[Number]": ...
    @overload
    def __get__(self, kind: object, owner: type) -> Number: ...
    def __get__(self, kind: object | None, owner: type) -> "Param[Number] | Number":
        if kind is None:
            return self
        value: Number = kind.__dict__.get(self.name, self.default)
        return value

    def __set__(self, kind: object, value: Number) -> None:
        raise AttributeError(f"{self.name} is fixed when the kind is made")

    def clean(self, value: object) -> Number:
        """`value` as this parameter's type. Raises ValueError with a message for a person."""
        if type(value) is type(self.default) and self.low <= value <= self.high:
            return value  # the way of an optimizer's many; what follows would say the same
        wanted = "a whole number" if self.is_integer else "a number"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{self.label} must be {wanted}.")
        # only a float can be infinite or broken; asking that of an int beyond 1e308 would overflow
        if isinstance(value, float) and not (value.is_integer() if self.is_integer else math.isfinite(value)):
            raise ValueError(f"{self.label} must be {wanted}.")
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.label} must be between {self.low:g} and {self.high:g}.")
        return type(self.default)(value)


class Kind(ABC):
    """A strategy kind, made with its parameters: `SmaCrossover(fast=10, slow=30)`.

    Immutable once made. Raises InvalidParameters for values out of bounds, of the wrong type or unknown.
    key names the kind in the database and the API, name and description are for people. overlay: the lines
    are prices and belong over the candles; False gives them a pane of their own. across_symbols: the kind ranks
    symbols against each other (it overrides `signals_across`), so it is tried on all of them together.
    """

    key: ClassVar[str]
    name: ClassVar[str]
    description: ClassVar[str]
    overlay: ClassVar[bool] = True
    across_symbols: ClassVar[bool] = False

    def __init__(self, /, **values: object) -> None:
        params = _declared(type(self))
        errors = {name: f"{self.name} has no parameter “{name}”." for name in values if name not in params}
        for name, param in params.items():
            try:
                self.__dict__[name] = param.clean(values.get(name, param.default))
            except ValueError as error:
                errors[name] = str(error)
        if not errors and (message := self.check()):
            errors[""] = message
        if errors:
            raise InvalidParameters(errors)

    @classmethod
    def params(cls) -> dict[str, Param[Any]]:
        """The declared parameters by name, in the order of declaration."""
        return dict(_declared(cls))

    @property
    def parameters(self) -> dict[str, int | float]:
        """The values this kind was made with, defaults included."""
        return {name: getattr(self, name) for name in self.params()}

    def check(self) -> str:
        """A rule across parameters (fast < slow): the message when it is broken, else ""."""
        return ""

    @abstractmethod
    def warmup(self) -> int:
        """Bars, at least 1, needed before the first decision can be trusted; live checks run on just that many."""

    @abstractmethod
    def signals(self, bars: Bars) -> Signals:
        """The signals of one symbol, as this kind's rule has them; callers use `signals_by_symbol`.

        Row t may use rows 0..t and nothing else. Fewer bars than the warm-up give HOLD, never an exception.
        """

    @abstractmethod
    def explain(self, signals: Signals, t: int) -> str:
        """Why row t (0 <= t < n) says what it says, in words and numbers: "RSI 28.4 crossed below 30"."""

    def warming_up(self, t: int) -> str:
        """What `explain` says of a row before the warm-up is complete, else ""."""
        return f"Warming up: {t + 1} of {self.warmup()} bars" if t + 1 < self.warmup() else ""

    def signals_across(self, bars: Mapping[str, Bars]) -> dict[str, Signals]:
        """The signals of several symbols; a kind that ranks symbols against each other overrides this."""
        return {symbol: self.signals(bars[symbol]) for symbol in bars}

    @final
    def signals_by_symbol(self, bars: Mapping[str, Bars]) -> dict[str, Signals]:
        """The signals of all symbols, settled: what the backtest, the charts and the live check all use."""
        return {symbol: self._settled(raw) for symbol, raw in self.signals_across(bars).items()}

    @classmethod
    def sides_of(cls, kinds: Sequence[Any], bars: Bars) -> NDArray[np.int8] | None:
        """The settled sides (c, n) that c kinds of this class take over one symbol's bars, all with strength 1.

        For a class that finds them faster together than one by one, in an optimizer's sweep, where `go_together`;
        None: one by one.
        """
        return None

    @final
    @classmethod
    def go_together(cls) -> bool:
        """Whether `sides_of` speaks for this class: for the one that defines it, and those below it that leave its
        signals as they are."""
        author = next(base for base in cls.__mro__ if "sides_of" in vars(base))
        return author is not Kind and all(
            getattr(cls, name) is getattr(author, name) for name in ("signals", "signals_across")
        )

    def _settled(self, raw: Signals) -> Signals:
        """HOLD until the warm-up is complete, for a live check of so few bars refuses to decide; strength in
        hundredths, so that what a shorter history changes (below 1e-6) does not reorder two entries."""
        side, strength = raw.side.copy(), np.empty(len(raw.strength))
        _round(read_only(raw.strength), strength)
        early = slice(0, max(self.warmup() - 1, 0))
        side[early], strength[early] = Side.HOLD, 0.0
        return Signals(side, strength, raw.lines)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={v}' for n, v in self.parameters.items())})"


@njit(cache=True, nogil=True, error_model="numpy")
def _round(strength: Floats, rounded: Floats) -> None:
    """Write strength.round(2), in one go."""
    for t in range(len(strength)):
        rounded[t] = np.rint(strength[t] * HUNDREDTHS) / HUNDREDTHS


@cache
def _declared(kind: type[Kind]) -> dict[str, Param[Any]]:
    found: dict[str, Param[Any]] = {}
    for base in reversed(kind.__mro__):
        found |= {name: value for name, value in vars(base).items() if isinstance(value, Param)}
    return found


def summary(parameters: Mapping[str, int | float]) -> Iterator[str]:
    """Parameters as a person reads them in a row: "fast 10", "slow 30"."""
    for name, value in parameters.items():
        yield f"{name} {value:g}"
