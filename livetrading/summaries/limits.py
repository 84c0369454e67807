"""The rules a live strategy trades under, beside those of the trial it was deployed from."""

from dataclasses import dataclass
from typing import Any

from livetrading.models import LiveStrategy

# field, label, and how its value is written
_RULES = (
    ("position_size_pct", "Position size", "percent"),
    ("max_positions", "Positions at once", "count"),
    ("max_position_size", "Largest position", "money"),
    ("stop_loss_pct", "Stop loss", "percent"),
    ("take_profit_pct", "Take profit", "percent"),
    ("signal_threshold", "Signal threshold", "ratio"),
    ("daily_loss_limit", "Daily loss limit", "money"),
    ("max_drawdown_pct", "Drawdown halt", "percent"),
    ("fractional", "Fractional shares", "yes_or_no"),
)


@dataclass(frozen=True, slots=True)
class Limit:
    """form: percent (a fraction), money, count, ratio or yes_or_no. A value of None: the rule is off. backtested:
    that of the backtest or the optimizer run; None as well when there is neither, and differs is False then."""

    field: str
    label: str
    form: str
    deployed: Any
    backtested: Any
    differs: bool


def limits_of(live: LiveStrategy) -> list[Limit]:
    """Every rule of `live`; reads its backtest, or its candidate and that one's run."""
    rules: dict[str, Any] | None = live.backtest.rules if live.backtest else None
    if live.candidate:
        rules = live.candidate.run.rules_on(live.candidate.market).as_dict()
    limits = []
    for field, label, form in _RULES:
        deployed = getattr(live, field)
        backtested = rules.get(field) if rules else None
        limits.append(
            Limit(field, label, form, deployed, backtested, rules is not None and deployed != backtested)
        )
    return limits
