"""The evidence beside a Deploy button, read once a request however many buttons stand on the page."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.db.models import OuterRef, Subquery

from backtests.models import Backtest
from backtests.robustness.panel import Line
from backtests.services.evidence import Panel, panels
from livetrading.services.accounts import NoBroker, broker_for
from livetrading.services.deploy import Limits
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.accounts.requests import UserRequest
from tradedesk.marketdata.clock import market_clock

register = template.Library()

LATEST, EQUITY = "_evidence_of_strategies", "_account_equity"


@register.simple_tag(takes_context=True)
def evidence_of(context: dict[str, Any], strategy: Strategy | None, backtest: Backtest | None) -> Panel | None:
    """Of the backtest, or of the strategy's latest completed one with its kind and parameters; None for none."""
    request: UserRequest = context["request"]
    if backtest:
        if backtest.status != Backtest.Status.COMPLETED:
            return None
        return panels(request.user, [backtest])[backtest.pk]
    return _of_strategies(request).get(strategy.pk) if strategy else None


@dataclass(frozen=True, slots=True)
class AtYourSize:
    """Dollars of the account's equity: a bad month and a bad drawdown, sized as the backtest was and as a quick
    deploy would be."""

    equity: float
    month: float
    drawdown: float
    deployed_month: float
    deployed_drawdown: float
    deployed_size: float


@register.simple_tag(takes_context=True)
def at_your_size(context: dict[str, Any], panel: Panel) -> AtYourSize | None:
    """What the money line means in the reader's account; None without one, or without trades to draw from."""
    found = getattr(getattr(panel.subject, "evidence", None), "findings", {}).get("money")
    equity = _equity(context["request"])
    if not found or equity is None:
        return None
    subject = panel.subject
    rules = subject.rules if isinstance(subject, Backtest) else subject.run.rules_on(subject.market).as_dict()
    # A trade moves the account in proportion to the position's size.
    share = min(Limits().position_size_pct / float(rules.get("position_size_pct") or 1.0), 1.0)
    month, drawdown = found["month"] * equity, -found["drawdown"] * equity
    return AtYourSize(equity, month, drawdown, month * share, drawdown * share, Limits().position_size_pct)


@register.filter
def luck_of(panel: Panel) -> Line | None:
    return next((line for line in panel.lines if line.key == "luck"), None)


def _of_strategies(request: UserRequest) -> dict[int, Panel]:
    known: dict[int, Panel] | None = getattr(request, LATEST, None)
    if known is None:
        user: User = request.user
        completed = Backtest.objects.filter(strategy=OuterRef("pk"), status=Backtest.Status.COMPLETED)
        latest = user.strategies.annotate(latest=Subquery(completed.order_by("-pk").values("pk")[:1]))
        found = list(
            user.backtests.filter(pk__in=latest.values("latest"))
            .select_related("evidence", "strategy")
            .defer("provenance", "buy_and_hold")
        )
        same = [
            each
            for each in found
            if each.strategy and (each.kind, each.parameters) == (each.strategy.kind, each.strategy.parameters)
        ]
        shown = panels(user, same)
        known = {each.strategy_id: shown[each.pk] for each in same if each.strategy_id}
        setattr(request, LATEST, known)
    return known


def _equity(request: UserRequest) -> float | None:
    if not hasattr(request, EQUITY):
        user: User = request.user
        try:
            equity = float(broker_for(user.pk, user.mode, market_clock().now()).account().equity)
        except NoBroker:
            equity = None
        setattr(request, EQUITY, equity)
    found: float | None = getattr(request, EQUITY)
    return found
