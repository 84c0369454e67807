"""Checks of the inputs of a backtest: capital, dates, rules and costs."""

import math
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from backtests.date_range import DateRange, combined, describe_date_ranges
from tradedesk.core.declarations import InvalidRules
from tradedesk.core.rules import COSTS, DEFAULT_COSTS, RULES, Costs, RiskRules, fully_invested

# Up to a billion dollars an amount keeps its six decimals in every database and in float64.
MIN_CAPITAL, MAX_CAPITAL = 1.0, 1e9
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)

RuleValue = float | Decimal | None


class InvalidBacktest(ValueError):
    """Inputs that are refused. `errors` maps a parameter of create_backtest to a message for the trader."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


def capital_error(capital: float | Decimal) -> str:
    """The error message of the capital, "" if it is valid."""
    try:
        amount = float(capital)
    except (OverflowError, ValueError):
        amount = math.nan
    if MIN_CAPITAL <= amount <= MAX_CAPITAL:
        return ""
    return f"The capital must be between ${MIN_CAPITAL:,.0f} and ${MAX_CAPITAL:,.0f}."


def date_errors(start: date, end: date, date_ranges: Mapping[str, DateRange]) -> dict[str, str]:
    """The error messages of the two dates, by field. At least one symbol must have bars between them."""
    errors = {
        name: f"Choose a date between {FIRST_DAY} and {LAST_DAY}."
        for name, day in (("start_date", start), ("end_date", end))
        if not FIRST_DAY <= day <= LAST_DAY
    }
    if errors:
        return errors
    if start >= end:
        return {"end_date": f"The end must be later than the start, {start}."}
    whole = combined(date_ranges)
    if whole is None or any(start <= each.last and end >= each.first for each in date_ranges.values()):
        return {}
    field = "end_date" if end < whole.first else "start_date"
    return {field: f"There are no bars from {start} to {end}. Bars: {describe_date_ranges(date_ranges)}."}


def checked_rules(
    values: Mapping[str, RuleValue],
    symbols: int,
    errors: dict[str, str],
    defaults: Mapping[str, Any] | None = None,
) -> tuple[RiskRules, Costs]:
    """Rules and costs of a backtest of `symbols` symbols; every refused value is added to `errors`.

    A rule that is missing has its default: that of `defaults` (Kind.rule_defaults), or its own. A rule that is
    None is off if it can be off, else it has its default. Raises TypeError for a name that is no rule.
    """
    if unknown := values.keys() - RULES.keys() - COSTS.keys():
        raise TypeError(f"No trading rule has the name {min(unknown)}.")
    given = fully_invested(symbols) | DEFAULT_COSTS.as_dict() | dict(defaults or {}) | given_rules(values)
    for name, rule in (RULES | COSTS).items():
        if name in given:
            try:
                rule.check(given[name])
            except InvalidRules as refusal:
                errors[name] = str(refusal)
                del given[name]
    try:
        return RiskRules.from_dict(given), Costs.from_dict(given)
    except InvalidRules as refusal:  # two rules that exclude each other
        errors[refusal.field] = str(refusal)
        return RiskRules(), Costs.from_dict(given)


def given_rules(values: Mapping[str, RuleValue]) -> dict[str, Any]:
    """The rules and costs that are set or switched off."""
    declared = RULES | COSTS
    return {name: _plain(value) for name, value in values.items() if value is not None or declared[name].optional}


def _plain(value: RuleValue) -> float | None:
    return float(value) if isinstance(value, Decimal) else value
