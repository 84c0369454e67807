"""Trading rules and costs: each is declared once, here.

Forms, API schemas, database columns and constraints, labels, provenance and the kernel's structure are built from
these declarations. To add a rule, declare it in RiskRules and apply it where it takes effect.
"""

from collections import namedtuple
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self, cast

from tradedesk.core.declarations import InvalidRules, RuleSet, Scope, Unit, rule

# The part of the equity that a backtest without a position size invests, over all its symbols. The rest pays costs
# and gaps at the open.
FULLY_INVESTED = 0.95
# The default of new backtests and paper accounts, and what replaces doubled costs where there are no costs. An
# order of a liquid US stock rarely has more slippage.
ASSUMED_SLIPPAGE_BPS = 5.0
NO_STOP_WARNING = "Without a stop a position can lose everything."


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskRules(RuleSet):
    """The size of an entry, when an entry is refused, and when a position is closed.

    Raises InvalidRules for a value out of bounds.
    """

    position_size_pct: float = rule(
        FULLY_INVESTED,
        "Position size",
        Unit.FRACTION,
        Scope.SIZE,
        low=0.001,
        help="Part of the equity for one position.",
        deploy_default=0.02,
        deploy_high=0.5,
    )
    max_position_size: float | None = rule(
        None,
        "Max position size",
        Unit.DOLLARS,
        Scope.SIZE,
        low=1,
        high=1e9,
        help="The most that one position may cost.",
    )
    max_positions: int = rule(
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
    fractional: bool = rule(
        False, "Fractional shares", Unit.FLAG, Scope.SIZE, help="Whether parts of a share may be bought."
    )
    stop_loss_pct: float | None = rule(
        0.10,
        "Stop loss",
        Unit.FRACTION,
        Scope.EXIT,
        low=0.001,
        high=0.99,
        help="Below the entry price.",
    )
    trailing_stop_pct: float | None = rule(
        None,
        "Trailing stop",
        Unit.FRACTION,
        Scope.EXIT,
        low=0.001,
        high=0.99,
        help="Below the highest price since the entry. Raised after each bar.",
    )
    trailing_stop_atr: float | None = rule(
        None,
        "Trailing stop by ATR",
        Unit.TRUE_RANGES,
        Scope.EXIT,
        low=0.1,
        high=100,
        help="The same, at this multiple of the average true range of 14 bars.",
    )
    take_profit_pct: float | None = rule(
        None,
        "Take profit",
        Unit.FRACTION,
        Scope.EXIT,
        low=0.001,
        high=100,
        help="Above the entry price.",
    )
    signal_threshold: float = rule(
        0.6, "Signal threshold", Unit.STRENGTH, Scope.ENTRY, help="Weaker buy signals are ignored."
    )
    daily_loss_limit: float | None = rule(
        None,
        "Daily loss limit",
        Unit.DOLLARS,
        Scope.ENTRY,
        low=1,
        high=1e9,
        help="After this loss there are no entries for the rest of the day.",
    )
    max_drawdown_pct: float | None = rule(
        None,
        "Max drawdown limit",
        Unit.FRACTION,
        Scope.ENTRY,
        low=0.001,
        high=0.99,
        help="No entries while the equity is this far below its highest value.",
    )
    cooldown_bars: int | None = rule(
        None,
        "Cooldown",
        Unit.COUNT,
        Scope.ENTRY,
        low=1,
        high=1000,
        help="Bars without an entry in a symbol after a loss in it, from the bar of the sale on.",
    )

    @property
    def has_stop(self) -> bool:
        """Whether a lot has a stop of any kind."""
        return any(
            each is not None for each in (self.stop_loss_pct, self.trailing_stop_pct, self.trailing_stop_atr)
        )

    @property
    def stop_warning(self) -> str:
        """What a trader must know of rules without a stop; "" with one."""
        return "" if self.has_stop else NO_STOP_WARNING

    def check_together(self) -> None:
        if self.trailing_stop_pct is not None and self.trailing_stop_atr is not None:
            raise InvalidRules("trailing_stop_atr", "A position has one trailing stop: by percent or by ATR.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs(RuleSet):
    """The costs of each order, both entries and exits. Costs() are none, DEFAULT_COSTS those of a new backtest.

    Raises InvalidRules for a value out of bounds.
    """

    commission_bps: float = rule(
        0.0,
        "Commission",
        Unit.BASIS_POINTS,
        Scope.COST,
        high=1000,
        help="On the amount of each order. 1 is 0.01%.",
    )
    slippage_bps: float = rule(
        0.0,
        "Slippage",
        Unit.BASIS_POINTS,
        Scope.COST,
        high=1000,
        help="Of the price, against you, on each order. 5 is usual for a liquid US stock.",
        new_default=ASSUMED_SLIPPAGE_BPS,
    )
    commission_per_order: float = rule(
        0.0, "Commission per order", Unit.DOLLARS, Scope.COST, high=1000, help="For each filled order."
    )
    commission_per_share: float = rule(
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
COSTS = {rule.name: rule.for_new() for rule in Costs.rules()}
DEFAULT_COSTS = Costs(**{name: rule.default for name, rule in COSTS.items()})
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
