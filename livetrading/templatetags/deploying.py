"""What the Deploy button needs to know, at one query a page however many buttons stand on it."""

import uuid
from dataclasses import dataclass
from typing import Any

from django import template

from backtests.models import Backtest, Candidate
from livetrading.models import LiveStrategy
from livetrading.services.deploy import DeployRefused, Limits, Snapshot
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.accounts.requests import UserRequest

register = template.Library()

ACTIVE_DEPLOYMENTS = "_active_deployments"


@dataclass(frozen=True, slots=True)
class Deployment:
    """source: what the form posts. key: of one press. hint: why it cannot be deployed, "" when it can. existing:
    the identical deployment that is active already. limits: what the press deploys with. backtest_size,
    backtest_positions: what the backtest was run with, where it is one."""

    source: str
    key: str
    hint: str
    existing: LiveStrategy | None
    limits: Limits
    backtest_size: float | None = None
    backtest_positions: int | None = None


@register.simple_tag(takes_context=True)
def deployment_of(
    context: dict[str, Any],
    strategy: Strategy | None,
    backtest: Backtest | None,
    candidate: Candidate | None = None,
) -> Deployment:
    """How the button stands for what is the reader's; the row wins over the backtest, that over the strategy."""
    source = candidate or backtest or strategy
    if not source:
        raise template.TemplateSyntaxError("The Deploy button needs a strategy, a backtest or a candidate.")
    hint, existing = "", None
    try:
        existing = _active_deployments(context["request"]).get(Snapshot.of(source).fingerprint())
    except DeployRefused as refusal:
        hint = str(refusal).rstrip(".") if source.symbols else "Add symbols first"
    rules = source.rules if isinstance(source, Backtest) else {}
    return Deployment(
        source=f"{source._meta.model_name}:{source.pk}",
        key=uuid.uuid4().hex,
        hint=hint,
        existing=existing,
        limits=Limits(),
        backtest_size=rules.get("position_size_pct"),
        backtest_positions=rules.get("max_positions"),
    )


@register.simple_tag
def quick_limits() -> Limits:
    """What a press of the button deploys with, for a page that says it once for many buttons."""
    return Limits()


def _active_deployments(request: UserRequest) -> dict[str, LiveStrategy]:
    """The reader's active live strategies in their mode by fingerprint; read once a request."""
    known: dict[str, LiveStrategy] | None = getattr(request, ACTIVE_DEPLOYMENTS, None)
    if known is None:
        user: User = request.user
        active = user.live_strategies.filter(mode=user.mode, status=LiveStrategy.Status.ACTIVE)
        known = {live.fingerprint: live for live in active}
        setattr(request, ACTIVE_DEPLOYMENTS, known)
    return known
