"""Deployment of a candidate of an optimizer run: its settings, and which candidates are identical deployments."""

from typing import Any

import pytest

from backtests.models import ALL_SYMBOLS, Candidate
from livetrading.models import LiveStrategy
from livetrading.services.deploy import AlreadyDeployed, deploy
from livetrading.summaries.limits import limits_of
from strategies.models import Strategy
from tests.livetrading.factories import NOW, make_backtest, make_candidate, make_strategy
from tests.livetrading.made_bars import flat, store_bars
from tradedesk.accounts.models import User
from tradedesk.core.rules import RiskRules


@pytest.fixture
def strategy(alice: User) -> Strategy:
    store_bars(AAPL=flat(10, 11), MSFT=flat(20, 21), IBM=flat(30, 31))
    return make_strategy(user=alice, name="Golden cross")


@pytest.fixture
def candidate(alice: User, strategy: Strategy) -> Candidate:
    return make_candidate(user=alice, strategy=strategy)


def test_a_candidate_is_deployed_with_its_settings(alice: User, candidate: Candidate) -> None:
    live = LiveStrategy.objects.get(pk=deploy(alice, candidate, now=NOW, wall_now=NOW).pk)
    assert (live.name, live.strategy, live.candidate, live.backtest) == (
        "Live - Golden cross (fast 10, slow 40)",
        candidate.strategy,
        candidate,
        None,
    )
    assert (live.kind, live.parameters, live.symbols, live.timeframe) == (
        "sma_crossover",
        {"fast": 10, "slow": 40},
        ["AAPL"],
        "1Day",
    )
    assert list(live.provenance["data"]) == ["AAPL"]


def test_a_candidate_with_the_strategys_own_parameters_has_its_name(alice: User, candidate: Candidate) -> None:
    candidate.run.parameters = candidate.parameters
    assert deploy(alice, candidate, now=NOW, wall_now=NOW).name == "Live - Golden cross"


def test_the_rules_of_the_run_are_deployed(alice: User, strategy: Strategy) -> None:
    rules: dict[str, Any] = {
        "position_size_pct": 0.5,
        "max_positions": 3,
        "stop_loss_pct": 0.03,
        "take_profit_pct": 0.06,
    }
    candidate = make_candidate(user=alice, strategy=strategy, run={"rules": rules})
    live = LiveStrategy.objects.get(pk=deploy(alice, candidate, now=NOW, wall_now=NOW).pk)
    assert live.risk_rules() == RiskRules(**rules)


def test_the_rules_are_compared_with_those_of_the_run(alice: User, strategy: Strategy) -> None:
    candidate = make_candidate(user=alice, strategy=strategy, run={"rules": {"stop_loss_pct": 0.03}})
    limits = {limit.rule.name: limit for limit in limits_of(deploy(alice, candidate, now=NOW, wall_now=NOW))}
    assert (limits["stop_loss_pct"].tested, limits["stop_loss_pct"].differs) == (0.03, False)
    assert (limits["position_size_pct"].tested, limits["position_size_pct"].differs) == (0.95, True)


def test_a_candidate_on_all_symbols_trades_all_of_them(alice: User, strategy: Strategy) -> None:
    candidate = make_candidate(user=alice, strategy=strategy, universe=ALL_SYMBOLS)
    assert deploy(alice, candidate, now=NOW, wall_now=NOW).symbols == ["AAPL", "MSFT"]


def test_a_repeated_deploy_key_returns_the_same_live_strategy(alice: User, candidate: Candidate) -> None:
    first, second = (deploy(alice, candidate, now=NOW, wall_now=NOW, deploy_key="press") for _ in range(2))
    assert first == second == LiveStrategy.objects.get()


def test_a_deployed_candidate_is_refused(alice: User, candidate: Candidate) -> None:
    live = deploy(alice, candidate, now=NOW, wall_now=NOW)
    with pytest.raises(AlreadyDeployed) as refused:
        deploy(alice, candidate, now=NOW, wall_now=NOW)
    assert refused.value.existing == live


def test_a_candidate_or_backtest_with_the_same_settings_is_refused(
    alice: User, candidate: Candidate, strategy: Strategy
) -> None:
    deploy(alice, candidate, now=NOW, wall_now=NOW)
    other = make_candidate(user=alice, strategy=strategy)
    backtest = make_backtest(user=alice, strategy=strategy, parameters=candidate.parameters, symbols=["AAPL"])
    for source in (other, backtest):
        with pytest.raises(AlreadyDeployed):
            deploy(alice, source, now=NOW, wall_now=NOW)


@pytest.mark.parametrize("change", [{"universe": "MSFT"}, {"parameters": {"fast": 11, "slow": 40}}])
def test_another_symbol_or_other_parameters_are_another_deployment(
    alice: User, candidate: Candidate, strategy: Strategy, change: dict[str, Any]
) -> None:
    deploy(alice, candidate, now=NOW, wall_now=NOW)
    deploy(alice, make_candidate(user=alice, strategy=strategy, **change), now=NOW, wall_now=NOW)
    assert LiveStrategy.objects.count() == 2


def test_a_candidate_with_a_loss_can_be_deployed(alice: User, strategy: Strategy) -> None:
    """Like a strategy without a backtest; its figures are shown next to the button."""
    candidate = make_candidate(user=alice, strategy=strategy, figures={"total_return": -0.01})
    assert deploy(alice, candidate, now=NOW, wall_now=NOW).candidate == candidate


def test_a_deployment_stays_when_its_run_is_deleted(alice: User, candidate: Candidate) -> None:
    live = deploy(alice, candidate, now=NOW, wall_now=NOW)
    candidate.run.delete()
    live.refresh_from_db()
    assert (live.candidate, live.status, live.parameters) == (None, "active", {"fast": 10, "slow": 40})
