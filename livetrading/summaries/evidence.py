"""The evidence next to a Deploy button: scorecards of the strategies' latest backtests, and the money at risk."""

import math
from dataclasses import dataclass

from django.db.models import F

from backtests.models import Backtest
from backtests.reports.scorecard import Scorecard, scorecards
from livetrading.services.deploy import Source, deployment_rules
from livetrading.summaries.account import snapshot_equity
from tradedesk.accounts.models import User
from tradedesk.core.rules import InvalidRules

# The number of newest backtests in which the latest one of each strategy is searched.
SEARCH_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class MoneyAtRisk:
    """Dollars. month, drawdown: a bad month and a bad drawdown with the position size of the backtest.
    deployed_month, deployed_drawdown: the same with deployed_size, the position size of a deployment as a fraction
    of the equity."""

    equity: float
    month: float
    drawdown: float
    deployed_month: float
    deployed_drawdown: float
    deployed_size: float


def money_at_risk(scorecard: Scorecard, equity: float | None, source: Source) -> MoneyAtRisk | None:
    """None without an account, without trades to resample, and for a source whose rules are out of bounds.

    source: what the Deploy button of the page deploys.
    """
    evidence = getattr(scorecard.subject, "evidence", None)
    simulated = evidence.report.get("monte_carlo") if evidence else None
    if not simulated or not simulated["size"] or not equity:
        return None
    try:
        rules = deployment_rules(source)
    except InvalidRules:
        return None
    size = min(rules.position_size_pct, (rules.max_position_size or math.inf) / equity)
    month, drawdown = simulated["month"] * equity, -simulated["drawdown"] * equity
    # A loss grows with the position size, but it never exceeds the equity.
    scale = size / simulated["size"]
    return MoneyAtRisk(equity, month, drawdown, max(month * scale, -equity), max(drawdown * scale, -equity), size)


def account_equity(user: User) -> float | None:
    """Dollars, in the user's mode; None when no account is connected."""
    equity = snapshot_equity(user, user.mode)
    return None if equity is None else float(equity)


def scorecards_of_strategies(user: User) -> dict[int, Scorecard]:
    """By the id of the strategy: the scorecard of its latest completed backtest with the current kind, parameters,
    symbols and timeframe. Three queries for any number of strategies."""
    latest = _latest_backtests(user)
    if not latest:
        return {}
    backtests = user.backtests.select_related("evidence").defer("provenance", "buy_and_hold").filter(pk__in=latest)
    by_backtest = scorecards(user, list(backtests))
    return {each.strategy_id: by_backtest[each.pk] for each in backtests if each.strategy_id}


def _latest_backtests(user: User) -> list[int]:
    completed = user.backtests.filter(
        status=Backtest.Status.COMPLETED, kind=F("strategy__kind"), timeframe=F("strategy__timeframe")
    )
    columns = ("pk", "strategy_id", "parameters", "symbols", "strategy__parameters", "strategy__symbols")
    latest: dict[int, int] = {}
    newest = completed.order_by("-pk").values_list(*columns)[:SEARCH_LIMIT]
    for pk, strategy_id, parameters, symbols, current, current_symbols in newest:
        if parameters == current and set(symbols) == set(current_symbols):
            latest.setdefault(strategy_id, pk)
    return list(latest.values())
