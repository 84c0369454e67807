"""The strategy contract: declared parameters and one vectorized method.

Form, optimizer, backtest and live check use the same object. docs/strategies.md shows how to add a kind.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Generic, TypeVar, final, overload

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import Bars, Floats, read_only
from tradedesk.core.compiled import njit
from tradedesk.core.signals import Side, Signals

Number = TypeVar("Number", int, float)

HUNDREDTHS = 100.0


class InvalidParameters(ValueError):
    """Invalid parameters. `errors` maps a parameter's name ("" for a rule across several) to a message."""

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
        help: str = "",  # noqa: A002 - the name in Django's form fields
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
        raise AttributeError(f"{self.name} cannot be changed")

    def clean(self, value: object) -> Number:
        """`value` as this parameter's type. Raises ValueError with a message for the user."""
        if type(value) is type(self.default) and self.low <= value <= self.high:
            return value  # a fast path for the optimizer; the code below gives the same result
        wanted = "a whole number" if self.is_integer else "a number"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{self.label} must be {wanted}.")
        # Only a float can be infinite or NaN; the test on an int above 1e308 would overflow.
        if isinstance(value, float) and not (value.is_integer() if self.is_integer else math.isfinite(value)):
            raise ValueError(f"{self.label} must be {wanted}.")
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.label} must be between {self.low:g} and {self.high:g}.")
        return type(self.default)(value)

    def named(self, value: Number) -> int | float | str:
        """A stored value as in the API: a number as it is."""
        return value

    def text(self, value: Number) -> str:
        """A stored value as on pages."""
        named = self.named(value)
        return named if isinstance(named, str) else f"{named:g}"


class Choice(Param[int]):
    """A parameter with a few named values, such as “touch” and “return”.

    options: each word, as in the API, with its label in the form. A value is stored, and searched, as its place
    among them: 0, 1 and so on. `clean` accepts the word too.
    """

    def __init__(self, default: str, options: Mapping[str, str], *, label: str, help_text: str) -> None:
        self.options = dict(options)
        self.words = tuple(self.options)
        last = len(self.words) - 1
        place = self.words.index(default)
        super().__init__(place, low=0, high=last, step=1, search=(0, last, 1), label=label, help=help_text)

    def clean(self, value: object) -> int:
        if isinstance(value, str) and value in self.words:
            return self.words.index(value)
        try:
            return super().clean(value)
        except ValueError:
            raise ValueError(f"{self.label} must be {' or '.join(f'“{word}”' for word in self.words)}.") from None

    def named(self, value: int) -> int | float | str:
        return self.words[value] if 0 <= value < len(self.words) else value


class Kind(ABC):
    """A strategy kind with its parameters: `SmaCrossover(fast=10, slow=30)`.

    Immutable. Raises InvalidParameters for values out of bounds, of the wrong type or unknown.
    key identifies the kind in the database and the API; name and description are for people. overlay: the lines
    are prices and are drawn over the candles; False draws them in a separate pane. across_symbols: the kind ranks
    symbols against each other (it overrides `signals_across`), so it runs on all of them together. rule_defaults:
    trading rules by name whose default is another one for this kind (None: off); a trader can still set them.
    least_strength: of a class with `sides_in_batch`, the least strength that its signals have.
    """

    key: ClassVar[str]
    name: ClassVar[str]
    description: ClassVar[str]
    overlay: ClassVar[bool] = True
    across_symbols: ClassVar[bool] = False
    rule_defaults: ClassVar[Mapping[str, Any]] = {}
    least_strength: ClassVar[float] = 1.0

    def __init__(self, /, **values: object) -> None:
        params = _declared(type(self))
        errors = {name: f"{self.name} has no parameter “{name[:40]}”." for name in values if name not in params}
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
        """All parameter values of this object, defaults included."""
        return {name: getattr(self, name) for name in self.params()}

    def check(self) -> str:
        """A rule across parameters (fast < slow): an error message when it is broken, else ""."""
        return ""

    @abstractmethod
    def warmup(self) -> int:
        """Bars, at least 1, before the first decision.

        With an indicator that never forgets: as many as it takes until its lines differ from those of a longer
        history by less than a thousandth of the price, or of their own range where they are no prices (decision
        16).
        """

    def memory(self) -> int:
        """Bars that a live check loads, at least `warmup()`: older ones change no decision.

        With an indicator that never forgets: as many as it takes until its lines differ by less than 1e-6. On a
        shorter history the live check has the bars of the backtest, so both decide the same.
        """
        return self.warmup()

    @abstractmethod
    def signals(self, bars: Bars) -> Signals:
        """The raw signals of one symbol; callers use `signals_by_symbol`.

        Row t may use rows 0..t and nothing else. Fewer bars than the warm-up must not raise an exception.
        """

    @abstractmethod
    def explain(self, signals: Signals, t: int) -> str:
        """The reason for the decision in row t (0 <= t < n), with its numbers: "RSI 28.4 crossed below 30"."""

    def warming_up(self, t: int) -> str:
        """The explanation of a row before the warm-up is complete, else ""."""
        return f"Warming up: {t + 1} of {self.warmup()} bars" if t + 1 < self.warmup() else ""

    def signals_across(self, bars: Mapping[str, Bars]) -> dict[str, Signals]:
        """The raw signals of several symbols; a kind that ranks symbols against each other overrides this."""
        return {symbol: self.signals(bars[symbol]) for symbol in bars}

    @final
    def signals_by_symbol(self, bars: Mapping[str, Bars]) -> dict[str, Signals]:
        """The normalized signals of all symbols, for backtest, charts and live check."""
        return {symbol: self._normalized(raw) for symbol, raw in self.signals_across(bars).items()}

    @classmethod
    def sides_in_batch(cls, kinds: Sequence[Any], bars: Bars) -> NDArray[np.int8] | None:
        """The normalized sides (c, n) of c kinds of this class on one symbol's bars, all with a strength of
        `least_strength` or more.

        A class overrides this to compute many parameter combinations faster than one by one; a SharingKind has it
        already. None: no batch computation; callers check `has_batch_signals` first.
        """
        return None

    @final
    @classmethod
    def has_batch_signals(cls) -> bool:
        """Whether `sides_in_batch` is valid for this class: this class or a base class overrides it, and nothing
        between the two changes the signals."""
        definer = next(base for base in cls.__mro__ if "sides_in_batch" in vars(base))
        return definer is not Kind and all(
            getattr(cls, name) is getattr(definer, name) for name in ("signals", "signals_across")
        )

    def _normalized(self, raw: Signals) -> Signals:
        """HOLD until the warm-up is complete, as in a live check; strength rounded to 0.01, so that differences
        from a shorter history (below 1e-6) do not change the order of two entries."""
        early = slice(0, max(self.warmup() - 1, 0))
        side = raw.side.copy()
        side[early] = Side.HOLD

        def strength() -> Floats:
            rounded = np.empty(len(raw.strength))
            _round(read_only(raw.strength), rounded)
            rounded[early] = 0.0
            return rounded

        given = None if raw.is_full else strength if raw.is_lazy else strength()
        return Signals(side, given, lambda: raw.lines)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.items()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={v}' for n, v in self.parameters.items())})"


@njit(cache=True, nogil=True, error_model="numpy")
def _round(strength: Floats, rounded: Floats) -> None:
    """Write strength.round(2) without temporary arrays."""
    for t in range(len(strength)):
        rounded[t] = np.rint(strength[t] * HUNDREDTHS) / HUNDREDTHS


@cache
def _declared(kind: type[Kind]) -> dict[str, Param[Any]]:
    found: dict[str, Param[Any]] = {}
    for base in reversed(kind.__mro__):
        found |= {name: value for name, value in vars(base).items() if isinstance(value, Param)}
    return found


def named_parameters(kind: type[Kind] | None, parameters: Mapping[str, Any]) -> dict[str, int | float | str]:
    """The parameters with the words of choices, as in the API. kind: None when it is not installed."""
    params = _declared(kind) if kind else {}
    return {name: params[name].named(value) if name in params else value for name, value in parameters.items()}


def parameter_texts(kind: type[Kind] | None, parameters: Mapping[str, Any]) -> Iterator[str]:
    """Each parameter as text: "fast 10", "enter_on touch"."""
    for name, value in named_parameters(kind, parameters).items():
        yield f"{name} {value}" if isinstance(value, str) else f"{name} {value:g}"
