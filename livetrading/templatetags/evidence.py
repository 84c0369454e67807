"""The evidence beside a Deploy button in templates: read once a request, however many buttons there are."""

from typing import Any

from django import template

from backtests.models import Backtest
from backtests.reports.scorecard import Scorecard, scorecards
from backtests.research.robustness.scorecard import Line
from livetrading.summaries.evidence import MoneyAtRisk, account_equity, money_at_risk, scorecards_of_strategies
from strategies.models import Strategy
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock

register = template.Library()

OF_STRATEGIES, EQUITY = "_scorecards_of_strategies", "_account_equity"


@register.simple_tag(takes_context=True)
def evidence_of(context: dict[str, Any], strategy: Strategy | None, backtest: Backtest | None) -> Scorecard | None:
    """The scorecard of the backtest, else that of the strategy's latest one; None where there is none."""
    request: UserRequest = context["request"]
    if backtest:
        if backtest.status != Backtest.Status.COMPLETED:
            return None
        return scorecards(request.user, [backtest])[backtest.pk]
    if not hasattr(request, OF_STRATEGIES):
        setattr(request, OF_STRATEGIES, scorecards_of_strategies(request.user))
    found: dict[int, Scorecard] = getattr(request, OF_STRATEGIES)
    return found.get(strategy.pk) if strategy else None


@register.simple_tag(takes_context=True)
def money_at_risk_of(context: dict[str, Any], scorecard: Scorecard) -> MoneyAtRisk | None:
    """What the line “Money at risk” means in the reader's account."""
    request: UserRequest = context["request"]
    if not hasattr(request, EQUITY):
        setattr(request, EQUITY, account_equity(request.user, market_clock().now()))
    return money_at_risk(scorecard, getattr(request, EQUITY))


@register.filter
def deflated_sharpe_of(scorecard: Scorecard) -> Line | None:
    return next((line for line in scorecard.lines if line.key == "deflated_sharpe"), None)
