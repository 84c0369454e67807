"""The evidence beside a Deploy button: that of a strategy's latest backtest, and what it means in dollars."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import F

from backtests.models import Backtest
from backtests.reports.scorecard import Scorecard, scorecards
from livetrading.services.accounts import NoBroker, broker_for
from livetrading.services.deploy import deployment_rules
from tradedesk.accounts.models import User

# Only so many of a trader's newest backtests are searched for those of the strategies.
SEARCHED = 1_000


@dataclass(frozen=True, slots=True)
class MoneyAtRisk:
    """Dollars of the account's equity: a bad month and a bad drawdown with the position size of the backtest, and with
    the size that a deployment would have (a fraction of the equity)."""

    equity: float
    month: float
    drawdown: float
    deployed_month: float
    deployed_drawdown: float
    deployed_size: float


def money_at_risk(scorecard: Scorecard, equity: float | None) -> MoneyAtRisk | None:
    """None without an account, and without trades to draw from."""
    evidence = getattr(scorecard.subject, "evidence", None)
    found = evidence.report.get("monte_carlo") if evidence else None
    if not found or not found["size"] or equity is None:
        return None
    size = deployment_rules(scorecard.subject).position_size_pct
    month, drawdown = found["month"] * equity, -found["drawdown"] * equity
    # A trade moves the account in proportion to the position's size, but never by more than all of it.
    share = size / found["size"]
    return MoneyAtRisk(equity, month, drawdown, max(month * share, -equity), max(drawdown * share, -equity), size)


def account_equity(user: User, now: datetime) -> float | None:
    """Dollars in the user's mode; None when no account is connected."""
    try:
        return float(broker_for(user.pk, user.mode, now).account().equity)
    except NoBroker:
        return None


def scorecards_of_strategies(user: User) -> dict[int, Scorecard]:
    """By strategy the scorecard of its latest completed backtest with its present kind, parameters, symbols and
    timeframe. Three queries, however many strategies."""
    latest = _latest_backtests(user)
    if not latest:
        return {}
    backtests = user.backtests.select_related("evidence").defer("provenance", "buy_and_hold").filter(pk__in=latest)
    found = scorecards(user, list(backtests))
    return {each.strategy_id: found[each.pk] for each in backtests if each.strategy_id}


def _latest_backtests(user: User) -> list[int]:
    completed = user.backtests.filter(
        status=Backtest.Status.COMPLETED, kind=F("strategy__kind"), timeframe=F("strategy__timeframe")
    )
    columns = ("pk", "strategy_id", "parameters", "symbols", "strategy__parameters", "strategy__symbols")
    latest: dict[int, int] = {}
    newest = completed.order_by("-pk").values_list(*columns)[:SEARCHED]
    for pk, strategy_id, parameters, symbols, own, own_symbols in newest:
        if parameters == own and set(symbols) == set(own_symbols):
            latest.setdefault(strategy_id, pk)
    return list(latest.values())
