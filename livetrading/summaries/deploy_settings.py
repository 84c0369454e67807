"""What the form of a deployment starts with, and what its size puts at risk."""

from dataclasses import dataclass, replace

from backtests.models import Backtest, Candidate
from backtests.reports.scorecard import Scorecard, scorecards
from livetrading.services.deploy import Source, deployment_rules
from livetrading.summaries.evidence import (
    MoneyAtRisk,
    account_equity,
    money_at_risk,
    scorecards_of_strategies,
    tested_size,
)
from strategies.models import Strategy
from tradedesk.accounts.models import User
from tradedesk.core.declarations import InvalidRules
from tradedesk.core.rules import DEPLOYED_RULES, RiskRules


@dataclass(frozen=True, slots=True)
class Prefilled:
    name: str
    symbols: list[str]
    rules: RiskRules


def prefilled_values(source: Source) -> Prefilled:
    """What the one-press button would deploy. A stored rule out of bounds leaves all rules at their defaults."""
    try:
        rules = deployment_rules(source)
    except InvalidRules:
        rules = RiskRules.from_dict({name: rule.default for name, rule in DEPLOYED_RULES.items()})
    return Prefilled(name_of(source), list(source.symbols), rules)


def name_of(source: Source) -> str:
    if isinstance(source, Strategy):
        return source.name
    return source.strategy_name if isinstance(source, Backtest) else source.title


@dataclass(frozen=True, slots=True)
class SettingsRisk:
    """money: None without a tested result. size: the typed position size as a fraction of the equity. tested: that
    of the backtest or the run, None without one."""

    money: MoneyAtRisk | None
    size: float | None
    tested: float | None


def settings_risk(user: User, source: Source, size: float | None, most: float | None) -> SettingsRisk:
    """The money at risk with this position size (a fraction) and these dollars at most."""
    scorecard = _scorecard(user, source)
    if scorecard is None:
        return SettingsRisk(None, size, tested_size(source))
    money = None
    if size is not None:
        rules = replace(prefilled_values(source).rules, position_size_pct=size, max_position_size=most)
        money = money_at_risk(scorecard, account_equity(user), source, rules)
    return SettingsRisk(money, size, tested_size(scorecard.subject))


def _scorecard(user: User, source: Source) -> Scorecard | None:
    """Of the backtest or the row, or of the latest backtest of the strategy."""
    if isinstance(source, Strategy):
        return scorecards_of_strategies(user).get(source.pk)
    if isinstance(source, Backtest) and source.status != Backtest.Status.COMPLETED:
        return None
    subject: Backtest | Candidate
    if isinstance(source, Candidate):
        subject = Candidate.objects.select_related("evidence", "run").get(pk=source.pk)
    else:
        subject = Backtest.objects.select_related("evidence").get(pk=source.pk)
    return scorecards(user, [subject])[subject.pk]
