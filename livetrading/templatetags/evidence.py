"""The evidence next to a Deploy button in templates. Read once for all buttons of a page."""

from typing import Any

from django import template

from backtests.models import Backtest
from backtests.reports.scorecard import Scorecard
from livetrading.services.deploy import Source
from livetrading.summaries.evidence import (
    MoneyAtRisk,
    account_equity,
    money_at_risk,
    scorecards_of_strategies,
    tested_size,
)
from strategies.models import Strategy
from tradedesk.accounts.requests import UserRequest

register = template.Library()

SCORECARDS, EQUITY = "_scorecards_of_strategies", "_account_equity"


@register.simple_tag(takes_context=True)
def evidence_of(context: dict[str, Any], strategy: Strategy | None) -> Scorecard | None:
    """The scorecard of the strategy's latest backtest; None without one."""
    request: UserRequest = context["request"]
    if not hasattr(request, SCORECARDS):
        setattr(request, SCORECARDS, scorecards_of_strategies(request.user))
    by_strategy: dict[int, Scorecard] = getattr(request, SCORECARDS)
    return by_strategy.get(strategy.pk) if strategy else None


@register.simple_tag(takes_context=True)
def money_at_risk_of(
    context: dict[str, Any], scorecard: Scorecard, source: Source | None = None
) -> MoneyAtRisk | None:
    """The line “Money at risk” in dollars of the user's account, for a deployment of `source`, otherwise of the
    subject of the scorecard."""
    request: UserRequest = context["request"]
    if not hasattr(request, EQUITY):
        setattr(request, EQUITY, account_equity(request.user))
    return money_at_risk(scorecard, getattr(request, EQUITY), source or scorecard.subject)


@register.simple_tag(takes_context=True)
def tested_size_of(context: dict[str, Any], strategy: Strategy | None, backtest: Backtest | None) -> float | None:
    """The position size that was tested, as a fraction of the equity: that of the backtest, otherwise of the
    strategy's latest one; None without one."""
    if not backtest and not strategy:  # in a template, "" is a variable that is not there
        return None
    scorecard = None if backtest else evidence_of(context, strategy)
    subject = backtest or (scorecard.subject if scorecard else None)
    return tested_size(subject) if subject else None
