"""The evidence next to a Deploy button: scorecards of the strategies' latest backtests, and the money at risk."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from backtests.models import Backtest
from backtests.reports.scorecard import Scorecard, rate, scope_of, scorecards
from backtests.research.robustness.scorecard import Line, overall_line
from livetrading.models import CarriedEvidence, LiveStrategy
from livetrading.services.deploy import Source, deployment_rules
from livetrading.services.evidence import latest_backtests
from livetrading.summaries.account import snapshot_equity
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.core.declarations import InvalidRules
from tradedesk.core.rules import RiskRules


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


def money_at_risk(
    scorecard: Scorecard, equity: float | None, source: Source, rules: RiskRules | None = None
) -> MoneyAtRisk | None:
    """None without an account, without trades to resample, and for a source whose rules are out of bounds.

    source: what the Deploy button of the page deploys. rules: of the deployment, where a trader chooses them.
    """
    evidence = getattr(scorecard.subject, "evidence", None)
    simulated = evidence.report.get("monte_carlo") if evidence else None
    if not simulated or not simulated["size"] or not equity:
        return None
    try:
        rules = rules or deployment_rules(source)
    except InvalidRules:
        return None
    size = min(rules.position_size_pct, (rules.max_position_size or math.inf) / equity)
    month, drawdown = simulated["month"] * equity, -simulated["drawdown"] * equity
    # A loss grows with the position size, but it never exceeds the equity.
    scale = size / simulated["size"]
    return MoneyAtRisk(equity, month, drawdown, max(month * scale, -equity), max(drawdown * scale, -equity), size)


def tested_size(source: Source) -> float | None:
    """The position size of a backtest or of an optimizer run, as a fraction of the equity; None for a strategy."""
    if isinstance(source, Strategy):
        return None
    rules = source.rules if isinstance(source, Backtest) else source.run.rules_on(source.universe).as_dict()
    size: float | None = rules.get("position_size_pct")
    return size


@dataclass(frozen=True, slots=True)
class CarriedScorecard:
    """The evidence that a live strategy was deployed with, rated with today's trials."""

    carried: CarriedEvidence
    lines: list[Line]
    overall: Line


def carried_scorecards(user: User, rows: Sequence[LiveStrategy]) -> dict[int, CarriedScorecard]:
    """By the id of the live strategy; those without carried evidence are absent. Two queries, and
    one for each timeframe."""
    carried = list(CarriedEvidence.objects.filter(live_strategy__in=rows))
    reports = [
        (each.report, scope_of(each.report, each.symbols, each.timeframe, each.start_date, each.end_date))
        for each in carried
    ]
    return {
        each.live_strategy_id: CarriedScorecard(each, shown, overall_line(each.report, shown))
        for each, shown in zip(carried, rate(user, reports) if reports else [], strict=True)
    }


def account_equity(user: User) -> float | None:
    """Dollars, in the user's mode; None when no account is connected."""
    equity = snapshot_equity(user, user.mode)
    return None if equity is None else float(equity)


def scorecards_of_strategies(user: User) -> dict[int, Scorecard]:
    """By the id of the strategy: the scorecard of its latest completed backtest with the current kind, parameters,
    symbols and timeframe. Three queries for any number of strategies, and one for each timeframe."""
    latest = latest_backtests(user)
    if not latest:
        return {}
    backtests = (
        user.backtests.select_related("evidence")
        .defer("provenance", "buy_and_hold")
        .filter(pk__in=latest.values())
    )
    by_backtest = scorecards(user, list(backtests))
    return {each.strategy_id: by_backtest[each.pk] for each in backtests if each.strategy_id}
