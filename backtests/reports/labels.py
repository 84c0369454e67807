"""Parameters, rules and costs of a backtest as labelled values for a page."""

from collections.abc import Mapping
from typing import Any

from backtests.models import Backtest
from strategies.kinds import kinds
from tradedesk.core.rules import COSTS, RULES, Costs, RiskRules
from tradedesk.templatetags.figures import money, parameter, rule_value

Labelled = dict[str, str]


def labelled_parameters(backtest: Backtest) -> Labelled:
    """Parameters with the labels of their kind; with their names if the kind is not installed."""
    params = kinds()[backtest.kind].params() if backtest.kind in kinds() else {}
    return {
        params[name].label if name in params else name: parameter(value)
        for name, value in backtest.named_parameters.items()
    }


def labelled_setup(backtest: Backtest) -> Labelled:
    """Symbols, period, capital, rules and costs."""
    return {
        "Symbols": ", ".join(backtest.symbols),
        "Timeframe": backtest.timeframe,
        "Dates": f"{backtest.start_date} to {backtest.end_date}",
        "Capital": money(backtest.initial_capital),
        **labelled_rules(backtest.rules, backtest.costs),
    }


def labelled_rules(rules: Mapping[str, Any], costs: Mapping[str, Any]) -> Labelled:
    """Every declared rule and cost; a rule that is not stored has its default, and a cost is none."""
    values = RiskRules.from_dict(rules).as_dict() | Costs.from_dict(costs).as_dict()
    return {rule.label: rule_value(rule, values[name]) for name, rule in (RULES | COSTS).items()}
