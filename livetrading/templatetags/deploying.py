"""The Deploy button in templates. One query for all buttons of a page."""

from typing import Any

from django import template

from backtests.models import Backtest, Candidate
from livetrading.services.deploy import Source
from livetrading.summaries.deploy_button import (
    ChangedRule,
    DeployButton,
    Existing,
    active_deployments,
    changed_rules,
    deploy_button,
)
from strategies.models import Strategy
from tradedesk.accounts.requests import UserRequest

register = template.Library()

ACTIVE_DEPLOYMENTS = "_active_deployments"


@register.simple_tag(takes_context=True)
def deploy_button_of(
    context: dict[str, Any],
    strategy: Strategy | None,
    backtest: Backtest | None,
    candidate: Candidate | None = None,
) -> DeployButton:
    """The button of the candidate, otherwise of the backtest, otherwise of the strategy."""
    source = candidate or backtest or strategy
    if not source:
        raise template.TemplateSyntaxError("The Deploy button needs a strategy, a backtest or a candidate.")
    return deploy_button(source, _active_deployments(context["request"]))


@register.simple_tag
def changed_rules_of(source: Source, rules: dict[str, Any]) -> list[ChangedRule]:
    """The rules that a deployment changes, shown once for all buttons of a page. rules: the tested rules."""
    return changed_rules(source, rules)


def _active_deployments(request: UserRequest) -> dict[str, Existing]:
    """Read once for each request."""
    active: dict[str, Existing] | None = getattr(request, ACTIVE_DEPLOYMENTS, None)
    if active is None:
        active = active_deployments(request.user)
        setattr(request, ACTIVE_DEPLOYMENTS, active)
    return active
