"""The defaults of a user's backtests, queried only by templates that show them."""

from typing import Any

from django import template

from backtests.services.defaults import BENCHMARK, SPLIT, defaults_of
from tradedesk.accounts.models import User
from tradedesk.core.declarations import Rule
from tradedesk.core.rules import COSTS, RULES
from tradedesk.templatetags.figures import rule_value

register = template.Library()

SHOWN = ("position_size_pct", "stop_loss_pct", "commission_bps", "slippage_bps")


@register.simple_tag
def backtest_defaults(user: User) -> dict[str, Any]:
    """initial_capital in dollars, `rules` as pairs of label and value, and the symbol `benchmark`; one query."""
    chosen = defaults_of(user)
    declared = RULES | COSTS
    rules = [(declared[name].label, _shown(declared[name], chosen)) for name in SHOWN]
    return {
        "initial_capital": chosen["initial_capital"],
        "rules": rules,
        "benchmark": chosen.get(BENCHMARK, ""),
    }


def _shown(rule: Rule, chosen: dict[str, Any]) -> str:
    if rule.name in SPLIT and chosen.get(rule.name) is None:
        return "Split over the symbols"
    return rule_value(rule, chosen.get(rule.name, rule.default))
