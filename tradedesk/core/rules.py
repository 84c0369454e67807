"""Trading rules: the numbers a backtest and a live strategy share, with their bounds."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self


class InvalidRules(ValueError):
    """A rule outside its bounds; `field` names it, the message can be shown to a person."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


# The most that a cost may be: dollars, and basis points.
MOST_COSTS = {
    "commission_per_order": (1000.0, "dollars"),
    "commission_per_share": (10.0, "dollars"),
    "commission_bps": (1000.0, "basis points"),
    "slippage_bps": (1000.0, "basis points"),
}
# What stands in for twice nothing: an order of a liquid US stock seldom costs more than this in slippage.
SLIPPAGE_OF_NO_COSTS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What an order costs, on both sides: commission in dollars per order, dollars per share, basis points of
    the amount traded; slippage in basis points of the price, against the trader."""

    commission_per_order: float = 0.0
    commission_per_share: float = 0.0
    commission_bps: float = 0.0
    slippage_bps: float = 0.0

    def __post_init__(self) -> None:
        for name, (most, unit) in MOST_COSTS.items():
            _within(self, name, 0.0, most, unit)

    def as_dict(self) -> dict[str, float]:
        return asdict(self)

    @property
    def is_free(self) -> bool:
        return not any(self.as_dict().values())

    def doubled(self) -> Self:
        """Every cost twice, as far as its bound lets it; instead of no costs 5 basis points of slippage."""
        costs = {name: min(2 * value, MOST_COSTS[name][0]) for name, value in self.as_dict().items()}
        return replace(self, **costs) if any(costs.values()) else replace(self, slippage_bps=SLIPPAGE_OF_NO_COSTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRules:
    """How much to buy, when to refuse an entry, when to leave. `*_pct` are fractions (0.02 is 2%), money is in
    dollars, None switches a rule off.

    position_size_pct x equity, at most max_position_size, is one position. An entry needs a signal of at
    least signal_threshold, fewer than max_positions open ones, a loss today below daily_loss_limit and a fall
    from the highest equity below max_drawdown_pct. stop_loss_pct and take_profit_pct hang on the fill price.
    """

    position_size_pct: float = 0.95
    max_positions: int = 1
    max_position_size: float | None = None
    stop_loss_pct: float = 0.10
    take_profit_pct: float | None = None
    signal_threshold: float = 0.6
    daily_loss_limit: float | None = None
    max_drawdown_pct: float | None = None
    fractional: bool = False

    def __post_init__(self) -> None:
        _within(self, "position_size_pct", 0.001, 1.0)
        _within(self, "max_positions", 1, 1000)
        if not isinstance(self.max_positions, int):
            raise InvalidRules("max_positions", f"max_positions must be a whole number, not {self.max_positions}.")
        if not isinstance(self.fractional, bool):
            raise InvalidRules("fractional", f"fractional must be true or false, not {self.fractional}.")
        _within(self, "stop_loss_pct", 0.001, 0.99)
        _within(self, "signal_threshold", 0.0, 1.0)
        for name, low, high, unit in (
            ("max_position_size", 1.0, 1e9, "dollars"),
            ("take_profit_pct", 0.001, 100.0, ""),
            ("daily_loss_limit", 1.0, 1e9, "dollars"),
            ("max_drawdown_pct", 0.001, 0.99, ""),
        ):
            if getattr(self, name) is not None:
                _within(self, name, low, high, unit)

    def as_dict(self) -> dict[str, float | int | bool | None]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        known = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


def _within(rules: object, name: str, low: float, high: float, unit: str = "") -> None:
    value = getattr(rules, name)
    # `not (a <= x <= b)` also refuses NaN
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        words = f" {unit}" if unit else ""
        raise InvalidRules(name, f"{name} must be between {low:g} and {high:g}{words}, not {value}.")
