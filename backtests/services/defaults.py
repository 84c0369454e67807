"""A trader's own defaults: capital, rules, costs and benchmark of a backtest or optimizer run that states none."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from backtests.models import BacktestDefaults
from backtests.services.inputs import InvalidBacktest, RuleValue, capital_error
from tradedesk.accounts.models import User
from tradedesk.core.declarations import InvalidRules
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import COSTS, RULES, RiskRules, fully_invested
from tradedesk.marketdata.library import visible_series
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

CAPITAL = 100_000.0
BENCHMARK = "compare_with"
# Without a value these follow from the number of symbols.
SPLIT = frozenset(fully_invested(1))
# A position has one of them.
TRAILING = frozenset({"trailing_stop_pct", "trailing_stop_atr"})


def defaults_of(user: User) -> dict[str, Any]:
    """initial_capital in dollars, and the rules, the costs and the benchmark, `compare_with`, that the user has
    chosen, by name; one query."""
    chosen = BacktestDefaults.objects.filter(pk=user.pk).first()
    if chosen is None:
        return {"initial_capital": CAPITAL}
    names = RULES.keys() | COSTS.keys() | {BENCHMARK}
    known = {name: value for name, value in chosen.values.items() if name in names}
    return {"initial_capital": float(chosen.initial_capital), **known}


def with_defaults(user: User, values: Mapping[str, Any], given: Collection[str]) -> dict[str, Any]:
    """`values` of a request, in which those that are not `given` have the user's defaults. A trailing stop that is
    given replaces the one of the other kind."""
    if any(values.get(name) is not None for name in TRAILING.intersection(given)):
        given = TRAILING.union(given)
    return {**values, **{name: value for name, value in defaults_of(user).items() if name not in given}}


def save_defaults(
    user: User, *, initial_capital: float | Decimal, compare_with: str = "", **rules_and_costs: RuleValue
) -> None:
    """Store the defaults; they replace those that the user had. Raises InvalidBacktest with all errors."""
    errors: dict[str, str] = {}
    benchmark = _benchmark(user, compare_with, errors)
    if message := capital_error(initial_capital):
        errors["initial_capital"] = message
    for name, rule in (RULES | COSTS).items():
        if rules_and_costs.get(name) is None and (name in SPLIT or name not in rules_and_costs):
            continue
        try:
            rule.check(rules_and_costs[name])
        except InvalidRules as refusal:
            errors[name] = str(refusal)
    if not errors:
        try:
            RiskRules.from_dict({name: rules_and_costs[name] for name in TRAILING.intersection(rules_and_costs)})
        except InvalidRules as refusal:
            errors[refusal.field] = str(refusal)
    if errors:
        raise InvalidBacktest(errors)
    values = {**rules_and_costs, **({BENCHMARK: benchmark} if benchmark else {})}
    BacktestDefaults.objects.update_or_create(
        pk=user.pk, defaults={"initial_capital": to_decimal(float(initial_capital)), "values": values}
    )


def _benchmark(user: User, text: str, errors: dict[str, str]) -> str:
    """The symbol in upper case, "" for none. Each backtest checks its own period and timeframe."""
    if not text.strip():
        return ""
    try:
        symbol = clean_symbol(text)
    except InvalidSymbol as refusal:
        errors[BENCHMARK] = str(refusal)
        return ""
    if not visible_series(user.pk).filter(symbol=symbol).exists():
        errors[BENCHMARK] = f"There are no bars of {symbol}."
    return symbol
