"""Trading rules and costs: each is declared once, here.

Forms, API schemas, database columns and constraints, labels, provenance and the kernel's structure are built from
these declarations. To add a rule, declare it in RiskRules and apply it where it takes effect.
"""

from collections import namedtuple
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from functools import cache, lru_cache
from types import NoneType
from typing import Any, Self, cast, get_args, get_type_hints

# The part of the equity that a backtest without a position size invests, over all its symbols. The rest pays costs
# and gaps at the open.
FULLY_INVESTED = 0.95
# Replaces doubled costs where there are no costs. An order of a liquid US stock rarely has more slippage.
ASSUMED_SLIPPAGE_BPS = 5.0


class Unit(StrEnum):
    """The unit of a rule's value. Inside the desk a fraction is always a fraction: 0.02 is 2%."""

    FRACTION = "fraction"
    DOLLARS = "dollars"
    DOLLARS_PER_SHARE = "dollars a share"
    COUNT = "count"
    STRENGTH = "strength"  # of a signal, 0 to 1
    BASIS_POINTS = "basis points"
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
    form and the API. deploy_default, deploy_high: default and upper bound of a deployment, where they differ from
    those of a backtest.
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


def _rule(default: Any, label: str, unit: Unit, scope: Scope, **declared: Any) -> Any:
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

    def as_dict(self) -> dict[str, Any]:
        return asdict(cast("Any", self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From stored values: unknown names are ignored, missing ones get their default. Raises InvalidRules."""
        return cls(**{rule.name: values[rule.name] for rule in cls.rules() if rule.name in values})


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRules(RuleSet):
    """The size of an entry, when an entry is refused, and when a position is closed.

    Raises InvalidRules for a value out of bounds.
    """

    position_size_pct: float = _rule(
        FULLY_INVESTED,
        "Position size",
        Unit.FRACTION,
        Scope.SIZE,
        low=0.001,
        help="Part of the equity for one position.",
        deploy_default=0.02,
        deploy_high=0.5,
    )
    max_position_size: float | None = _rule(
        None,
        "Max position size",
        Unit.DOLLARS,
        Scope.SIZE,
        low=1,
        high=1e9,
        help="The most that one position may cost.",
    )
    max_positions: int = _rule(
        1,
        "Max positions",
        Unit.COUNT,
        Scope.SIZE,
        low=1,
        high=1000,
        help="Open positions at the same time, one for each symbol.",
        deploy_default=5,
        deploy_high=20,
    )
    fractional: bool = _rule(
        False, "Fractional shares", Unit.FLAG, Scope.SIZE, help="Whether parts of a share may be bought."
    )
    stop_loss_pct: float = _rule(
        0.10,
        "Stop loss",
        Unit.FRACTION,
        Scope.EXIT,
        low=0.001,
        high=0.99,
        help="Below the entry price.",
    )
    take_profit_pct: float | None = _rule(
        None,
        "Take profit",
        Unit.FRACTION,
        Scope.EXIT,
        low=0.001,
        high=100,
        help="Above the entry price.",
    )
    signal_threshold: float = _rule(
        0.6, "Signal threshold", Unit.STRENGTH, Scope.ENTRY, help="Weaker buy signals are ignored."
    )
    daily_loss_limit: float | None = _rule(
        None,
        "Daily loss limit",
        Unit.DOLLARS,
        Scope.ENTRY,
        low=1,
        high=1e9,
        help="After this loss there are no entries for the rest of the day.",
    )
    max_drawdown_pct: float | None = _rule(
        None,
        "Max drawdown limit",
        Unit.FRACTION,
        Scope.ENTRY,
        low=0.001,
        high=0.99,
        help="No entries while the equity is this far below its highest value.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs(RuleSet):
    """The costs of each order, both entries and exits. Raises InvalidRules for a value out of bounds."""

    commission_bps: float = _rule(
        0.0,
        "Commission",
        Unit.BASIS_POINTS,
        Scope.COST,
        high=1000,
        help="On the amount of each order. 1 is 0.01%.",
    )
    slippage_bps: float = _rule(
        0.0,
        "Slippage",
        Unit.BASIS_POINTS,
        Scope.COST,
        high=1000,
        help="Of the price, against you, on each order.",
    )
    commission_per_order: float = _rule(
        0.0, "Commission per order", Unit.DOLLARS, Scope.COST, high=1000, help="For each filled order."
    )
    commission_per_share: float = _rule(
        0.0, "Commission per share", Unit.DOLLARS_PER_SHARE, Scope.COST, high=10, help="For each filled share."
    )

    @property
    def is_free(self) -> bool:
        return not any(self.as_dict().values())

    def doubled(self) -> Self:
        """Every cost doubled, up to its upper bound. Where there are no costs: ASSUMED_SLIPPAGE_BPS."""
        if self.is_free:
            return replace(self, slippage_bps=ASSUMED_SLIPPAGE_BPS)
        return replace(self, **{rule.name: min(2 * getattr(self, rule.name), rule.high) for rule in self.rules()})


RULES = {rule.name: rule for rule in RiskRules.rules()}
COSTS = {rule.name: rule for rule in Costs.rules()}
DEPLOYED_RULES = {name: rule.for_deployment() for name, rule in RULES.items()}

# All rules and costs as one structure of numbers, which compiled functions read by name. Its fields come from the
# declarations, so a type checker cannot know them.
KernelRules = cast("Any", namedtuple)("KernelRules", [*RULES, *COSTS])


@lru_cache(maxsize=128)
def kernel_rules(rules: RiskRules, costs: Costs) -> Any:
    """The KernelRules of these rules and costs; infinity for a rule that is off."""
    return KernelRules(
        *(rule.kernel_value(getattr(values, rule.name)) for values in (rules, costs) for rule in values.rules())
    )


def fully_invested(symbols: int) -> dict[str, float]:
    """Position size and max positions of a backtest that has neither: one position for each of its symbols."""
    positions = max(symbols, 1)
    return {"position_size_pct": FULLY_INVESTED / positions, "max_positions": positions}
