"""What a backtest may be asked for: capital, dates, rules and costs."""

import math
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import TypeVar

from backtests.coverage import Coverage, combined, in_words
from backtests.simulation import fully_invested
from tradedesk.core.rules import Costs, InvalidRules, RiskRules

# Up to a billion dollars an amount keeps its six decimals in every place that holds it.
LEAST_CAPITAL, MOST_CAPITAL = 1.0, 1e9
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2199, 12, 31)
RULE_NAMES = frozenset(field.name for field in fields(RiskRules))

Term = float | Decimal | None
Checked = TypeVar("Checked", RiskRules, Costs)


class InvalidBacktest(ValueError):
    """Values that cannot be run. `errors` maps a parameter of create_backtest to a message for a person."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


def capital_error(capital: float | Decimal) -> str:
    """What is wrong with the capital, "" for nothing."""
    try:
        amount = float(capital)
    except (OverflowError, ValueError):
        amount = math.nan
    if LEAST_CAPITAL <= amount <= MOST_CAPITAL:
        return ""
    return f"The capital must be between ${LEAST_CAPITAL:,.0f} and ${MOST_CAPITAL:,.0f}."


def date_errors(start: date, end: date, coverages: Mapping[str, Coverage]) -> dict[str, str]:
    """What is wrong with the two dates, by field. At least one symbol must have bars between them."""
    errors = {
        name: f"Choose a date between {FIRST_DAY} and {LAST_DAY}."
        for name, day in (("start_date", start), ("end_date", end))
        if not FIRST_DAY <= day <= LAST_DAY
    }
    if errors:
        return errors
    if start >= end:
        return {"end_date": f"The end must be later than the start, {start}."}
    whole = combined(coverages)
    if whole is None or any(start <= each.last and end >= each.first for each in coverages.values()):
        return {}
    field = "end_date" if end < whole.first else "start_date"
    return {field: f"There are no bars from {start} to {end}. Bars: {in_words(coverages)}."}


def checked_terms(terms: Mapping[str, Term], symbols: int, errors: dict[str, str]) -> tuple[RiskRules, Costs]:
    """Rules and costs for a backtest of so many symbols; every value that they refuse is added to `errors`.

    A term that is None or absent has its default. Raises TypeError for a name that neither of the two has.
    """
    values = fully_invested(symbols) | {name: _plain(value) for name, value in terms.items() if value is not None}
    rules = {name: value for name, value in values.items() if name in RULE_NAMES}
    costs = {name: value for name, value in values.items() if name not in RULE_NAMES}
    return _checked(RiskRules, rules, errors), _checked(Costs, costs, errors)


def _checked(kind: type[Checked], values: dict[str, float], errors: dict[str, str]) -> Checked:
    """One refusal at a time: a value that is refused is noted and left out, and the rest is tried again."""
    while True:
        try:
            return kind(**values)  # type: ignore[arg-type]  # the names were sorted out, and it checks the values
        except InvalidRules as refusal:
            errors[refusal.field] = str(refusal)
            del values[refusal.field]


def _plain(value: float | Decimal) -> float:
    return float(value) if isinstance(value, Decimal) else value
