"""What a trading rule is: its declaration, and a set of rules whose values are checked against it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from functools import cache
from types import NoneType
from typing import Any, Self, cast, get_args, get_type_hints


class Unit(StrEnum):
    """The unit of a rule's value. Inside the desk a fraction is always a fraction: 0.02 is 2%."""

    FRACTION = "fraction"
    DOLLARS = "dollars"
    DOLLARS_PER_SHARE = "dollars a share"
    COUNT = "count"
    STRENGTH = "strength"  # of a signal, 0 to 1
    BASIS_POINTS = "basis points"
    TRUE_RANGES = "average true ranges"
    FLAG = "flag"


class Scope(StrEnum):
    """What a rule decides: the size of an entry, whether it is allowed, the exit, or the cost of an order."""

    SIZE = "size"
    ENTRY = "entry"
    EXIT = "exit"
    COST = "cost"


class InvalidRules(ValueError):
    """A value outside the bounds of its rule. `field` is the rule's name; the message can be shown to a trader."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One declared rule.

    low, high: bounds, inclusive; a flag has none. optional: None switches the rule off. help: one sentence for the
    form and the API. new_default: what a new backtest has where nothing is given, if it differs from the value of
    a rule that is not stored. deploy_default, deploy_high: default and upper bound of a deployment, where they
    differ from those of a backtest.
    """

    name: str
    label: str
    unit: Unit
    scope: Scope
    default: Any
    optional: bool
    low: float = 0.0
    high: float = 1.0
    help: str = ""
    new_default: float | None = None
    deploy_default: float | None = None
    deploy_high: float | None = None

    def check(self, value: object) -> None:
        """Raises InvalidRules for a value of the wrong type or outside the bounds."""
        if value is None and self.optional:
            return
        if self.unit is Unit.FLAG:
            if not isinstance(value, bool):
                raise InvalidRules(self.name, f"{self.label} must be true or false, not {value}.")
            return
        # `not (low <= value <= high)` also refuses NaN.
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            raise InvalidRules(self.name, f"{self.label} must be between {self._bounds()}, not {value}.")
        if self.unit is Unit.COUNT and not isinstance(value, int):
            raise InvalidRules(self.name, f"{self.label} must be a whole number, not {value}.")

    def for_new(self) -> Self:
        """The rule with the default of a new backtest."""
        return self if self.new_default is None else replace(self, default=self.new_default)

    def for_deployment(self) -> Self:
        """The rule with the default and the upper bound of a deployment."""
        default = self.default if self.deploy_default is None else self.deploy_default
        return replace(self, default=default, high=self.deploy_high or self.high)

    def kernel_value(self, value: Any) -> float:
        """The value as the kernel reads it; infinity for a rule that is off.

        A rule always has the same type (an optional count is a float, like its infinity): numba compiles a kernel
        again for each combination of types.
        """
        if value is None:
            return float("inf")
        if self.unit is Unit.FLAG:
            return bool(value)
        return int(value) if self.unit is Unit.COUNT and not self.optional else float(value)

    def _bounds(self) -> str:
        units = {Unit.DOLLARS: " dollars", Unit.DOLLARS_PER_SHARE: " dollars", Unit.BASIS_POINTS: " basis points"}
        return f"{self.low:,.10g} and {self.high:,.10g}{units.get(self.unit, '')}"


def rule(default: Any, label: str, unit: Unit, scope: Scope, **declared: Any) -> Any:
    """A dataclass field with the declaration of a rule in its metadata."""
    return field(default=default, metadata={"label": label, "unit": unit, "scope": scope} | declared)


class RuleSet:
    """Base of RiskRules and Costs: every value is checked against its declaration when the object is created."""

    __slots__ = ()

    @classmethod
    @cache
    def rules(cls) -> tuple[Rule, ...]:
        """The declarations, in the order of the fields. A rule is optional if its field's type allows None."""
        types = get_type_hints(cls)
        return tuple(
            Rule(
                name=each.name,
                default=each.default,
                optional=NoneType in get_args(types[each.name]),
                **each.metadata,
            )
            for each in fields(cast("Any", cls))
        )

    def __post_init__(self) -> None:
        for rule in self.rules():
            rule.check(getattr(self, rule.name))
        self.check_together()

    def check_together(self) -> None:
        """A check across several rules. Raises InvalidRules."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(cast("Any", self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From stored values: unknown names are ignored, missing ones get their default. Raises InvalidRules."""
        return cls(**{rule.name: values[rule.name] for rule in cls.rules() if rule.name in values})
