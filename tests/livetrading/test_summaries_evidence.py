"""The evidence next to a Deploy button: scorecards of strategies, and the money at risk."""

from decimal import Decimal
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from backtests.models import Backtest, Evidence
from backtests.reports.scorecard import Scorecard
from livetrading.models import BrokerAccount
from livetrading.summaries.evidence import MoneyAtRisk, account_equity, money_at_risk, scorecards_of_strategies
from tests.livetrading.factories import WALL, account_of, make_backtest, make_strategy
from tradedesk.accounts.models import User
from tradedesk.core.rules import RiskRules


def scorecard_with(backtest: Backtest, **monte_carlo: float) -> Scorecard:
    report = {"monte_carlo": {"month": -0.05, "drawdown": 0.2, "size": 0.4} | monte_carlo}
    Evidence.objects.create(backtest=backtest, report=report, computed_at=WALL)
    return Scorecard(backtest)


def at_risk(scorecard: Scorecard, equity: float | None) -> MoneyAtRisk | None:
    """For a deployment of the backtest itself."""
    return money_at_risk(scorecard, equity, scorecard.subject)


def test_money_at_risk_is_scaled_to_the_position_size_of_a_deployment(alice: User) -> None:
    """The fully invested backtest is deployed with 2%: a twentieth of the tested 40%."""
    risk = at_risk(scorecard_with(make_backtest(user=alice)), 50_000.0)
    assert risk is not None
    assert (risk.month, risk.drawdown) == (-2_500.0, -10_000.0)
    assert (risk.deployed_month, risk.deployed_drawdown) == pytest.approx((-125.0, -500.0))
    assert (risk.equity, risk.deployed_size) == (50_000.0, 0.02)


def test_money_at_risk_never_exceeds_the_equity(alice: User) -> None:
    rules = RiskRules(position_size_pct=0.5, max_positions=2)
    backtest = make_backtest(user=alice, rules=rules.as_dict())
    risk = at_risk(scorecard_with(backtest, size=0.05, month=-0.3), 50_000.0)
    assert risk is not None
    assert (risk.deployed_month, risk.deployed_drawdown) == (-50_000.0, -50_000.0)


def test_money_at_risk_is_that_of_what_the_button_deploys(alice: User) -> None:
    """The button of a strategy deploys the strategy, with 2%, and not its backtest, with 20%."""
    strategy = make_strategy(user=alice)
    rules = RiskRules(position_size_pct=0.2, max_positions=2)
    scorecard = scorecard_with(make_backtest(user=alice, strategy=strategy, rules=rules.as_dict()))
    sizes = [
        risk.deployed_size if (risk := money_at_risk(scorecard, 50_000.0, source)) else None
        for source in (strategy, scorecard.subject)
    ]
    assert sizes == [0.02, 0.2]


def test_the_largest_position_in_dollars_limits_the_money_at_risk(alice: User) -> None:
    """$5,000 of $50,000 are 10%, a quarter of the tested 40%."""
    rules = RiskRules(position_size_pct=0.5, max_positions=2, max_position_size=5_000.0)
    risk = at_risk(scorecard_with(make_backtest(user=alice, rules=rules.as_dict())), 50_000.0)
    assert risk is not None
    assert (risk.deployed_size, risk.deployed_month) == pytest.approx((0.1, -625.0))


def test_rules_out_of_bounds_have_no_money_at_risk(alice: User) -> None:
    rules = RiskRules().as_dict() | {"position_size_pct": 1e-9}
    assert at_risk(scorecard_with(make_backtest(user=alice, rules=rules)), 50_000.0) is None


def test_money_at_risk_needs_an_account_evidence_and_trades(alice: User) -> None:
    assert at_risk(Scorecard(make_backtest(user=alice)), 50_000.0) is None
    assert at_risk(scorecard_with(make_backtest(user=alice)), None) is None
    assert at_risk(scorecard_with(make_backtest(user=alice), size=0.0), 50_000.0) is None


def test_the_equity_is_that_of_the_users_mode(alice: User) -> None:
    assert account_equity(alice) == 100_000.0
    account_of(alice)
    BrokerAccount.objects.update(equity=Decimal("98765.43"))
    assert account_equity(alice) == 98_765.43
    alice.mode = "live"
    assert account_equity(alice) is None
    account_of(alice, "live")
    assert account_equity(alice) == 100_000.0


def test_a_strategy_has_the_scorecard_of_its_latest_completed_backtest(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    strategy, other = make_strategy(user=alice), make_strategy(user=alice)
    make_backtest(user=alice, strategy=strategy)
    latest = make_backtest(user=alice, strategy=strategy, symbols=strategy.symbols[::-1])
    make_backtest(user=bob, strategy=make_strategy(user=bob))
    changes: list[dict[str, Any]] = [
        {"status": Backtest.Status.FAILED},
        {"parameters": {"fast": 5, "slow": 30}},
        {"symbols": ["AAPL"]},
        {"timeframe": "1Hour"},
        {"kind": "macd"},
    ]
    for change in changes:
        make_backtest(user=alice, strategy=strategy, **change)
        make_backtest(user=alice, strategy=other, **change)
    with django_assert_num_queries(4):
        by_strategy = scorecards_of_strategies(alice)
    assert {pk: scorecard.subject for pk, scorecard in by_strategy.items()} == {strategy.pk: latest}
