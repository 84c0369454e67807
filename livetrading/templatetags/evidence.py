"""The evidence beside a Deploy button, read once a request however many buttons stand on the page."""

from dataclasses import dataclass
from typing import Any

from django import template
from django.db.models import F

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

# Of all of a trader's backtests the newest so many are looked at for the one that stands beside a strategy.
LOOKED_AT = 1_000
LATEST, EQUITY = "_evidence_of_strategies", "_account_equity"


@register.simple_tag(takes_context=True)
def evidence_of(context: dict[str, Any], strategy: Strategy | None, backtest: Backtest | None) -> Panel | None:
    """Of the backtest, or of the strategy's latest completed one with its kind, parameters, symbols and timeframe;
    None for none."""
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
    if not found or not found["size"] or equity is None:
        return None
    # A trade moves the account in proportion to the position's size, but takes no more than all of it.
    size = Limits().position_size_pct
    month, drawdown = found["month"] * equity, -found["drawdown"] * equity
    share = size / found["size"]
    return AtYourSize(equity, month, drawdown, max(month * share, -equity), max(drawdown * share, -equity), size)


@register.filter
def luck_of(panel: Panel) -> Line | None:
    return next((line for line in panel.lines if line.key == "luck"), None)


def _of_strategies(request: UserRequest) -> dict[int, Panel]:
    known: dict[int, Panel] | None = getattr(request, LATEST, None)
    if known is None:
        user: User = request.user
        found = user.backtests.select_related("evidence").defer("provenance", "buy_and_hold")
        latest = _latest(user)
        same = list(found.filter(pk__in=latest)) if latest else []
        shown = panels(user, same)
        known = {each.strategy_id: shown[each.pk] for each in same if each.strategy_id}
        setattr(request, LATEST, known)
    return known


def _latest(user: User) -> list[int]:
    """Of each strategy the latest completed backtest of what it trades now: not of the same on other symbols."""
    completed = user.backtests.filter(
        status=Backtest.Status.COMPLETED, kind=F("strategy__kind"), timeframe=F("strategy__timeframe")
    )
    columns = ("pk", "strategy_id", "parameters", "symbols", "strategy__parameters", "strategy__symbols")
    latest: dict[int, int] = {}
    newest = completed.order_by("-pk").values_list(*columns)[:LOOKED_AT]
    for pk, strategy_id, parameters, symbols, own, own_symbols in newest:
        if parameters == own and set(symbols) == set(own_symbols):
            latest.setdefault(strategy_id, pk)
    return list(latest.values())


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
