"""Deploying a row of the optimizer: what is carried over, and what makes two rows the same."""

from typing import Any

import pytest

from backtests.models import ALL_SYMBOLS, Candidate
from livetrading.models import LiveStrategy
from livetrading.services.deploy import AlreadyDeployed, deploy
from livetrading.summaries.limits import limits_of
from strategies.models import Strategy
from tests.livetrading.factories import NOW, make_backtest, make_candidate, make_strategy
from tests.livetrading.made_bars import bring, flat
from tradedesk.accounts.models import User


@pytest.fixture
def strategy(alice: User) -> Strategy:
    bring(AAPL=flat(10, 11), MSFT=flat(20, 21), IBM=flat(30, 31))
    return make_strategy(user=alice, name="Golden cross")


@pytest.fixture
def row(alice: User, strategy: Strategy) -> Candidate:
    return make_candidate(user=alice, strategy=strategy)


def test_a_row_is_deployed_as_it_was_tried(alice: User, row: Candidate) -> None:
    live = LiveStrategy.objects.get(pk=deploy(alice, row, now=NOW).pk)
    assert (live.name, live.strategy, live.candidate, live.backtest) == (
        "Live - Golden cross (fast 10, slow 40)",
        row.strategy,
        row,
        None,
    )
    assert (live.kind, live.parameters, live.symbols, live.timeframe) == (
        "sma_crossover",
        {"fast": 10, "slow": 40},
        ["AAPL"],
        "1Day",
    )
    assert list(live.provenance["data"]) == ["AAPL"]


def test_a_row_with_the_strategys_own_parameters_has_its_name(alice: User, row: Candidate) -> None:
    row.run.parameters = row.parameters
    assert deploy(alice, row, now=NOW).name == "Live - Golden cross"


def test_it_carries_the_runs_rules_but_not_its_size(alice: User, strategy: Strategy) -> None:
    asked = {"position_size_pct": 0.5, "max_positions": 3, "stop_loss_pct": 0.03, "take_profit_pct": 0.06}
    row = make_candidate(user=alice, strategy=strategy, run={"rules": asked})
    live = LiveStrategy.objects.get(pk=deploy(alice, row, now=NOW).pk)
    assert (live.stop_loss_pct, live.take_profit_pct, live.signal_threshold) == (0.03, 0.06, 0.6)
    assert (live.position_size_pct, live.max_positions) == (0.02, 5)


def test_its_limits_stand_beside_those_of_the_run(alice: User, strategy: Strategy) -> None:
    row = make_candidate(user=alice, strategy=strategy, run={"rules": {"stop_loss_pct": 0.03}})
    limits = {limit.field: limit for limit in limits_of(deploy(alice, row, now=NOW))}
    assert (limits["stop_loss_pct"].backtested, limits["stop_loss_pct"].differs) == (0.03, False)
    assert (limits["position_size_pct"].backtested, limits["position_size_pct"].differs) == (0.95, True)


def test_what_was_tried_on_all_symbols_together_trades_them_all(alice: User, strategy: Strategy) -> None:
    row = make_candidate(user=alice, strategy=strategy, universe=ALL_SYMBOLS)
    assert deploy(alice, row, now=NOW).symbols == ["AAPL", "MSFT"]


def test_the_same_key_again_is_the_same_press(alice: User, row: Candidate) -> None:
    first, second = (deploy(alice, row, now=NOW, deploy_key="press") for _ in range(2))
    assert first == second == LiveStrategy.objects.get()


def test_the_same_row_again_is_already_deployed(alice: User, row: Candidate) -> None:
    live = deploy(alice, row, now=NOW)
    with pytest.raises(AlreadyDeployed) as refused:
        deploy(alice, row, now=NOW)
    assert refused.value.existing == live


def test_a_row_of_another_run_with_the_same_settings_is_the_same(
    alice: User, row: Candidate, strategy: Strategy
) -> None:
    deploy(alice, row, now=NOW)
    again = make_candidate(user=alice, strategy=strategy)
    backtest = make_backtest(user=alice, strategy=strategy, parameters=row.parameters, symbols=["AAPL"])
    for source in (again, backtest):
        with pytest.raises(AlreadyDeployed):
            deploy(alice, source, now=NOW)


@pytest.mark.parametrize("change", [{"universe": "MSFT"}, {"parameters": {"fast": 11, "slow": 40}}])
def test_a_row_on_another_symbol_or_with_other_parameters_is_another(
    alice: User, row: Candidate, strategy: Strategy, change: dict[str, Any]
) -> None:
    deploy(alice, row, now=NOW)
    deploy(alice, make_candidate(user=alice, strategy=strategy, **change), now=NOW)
    assert LiveStrategy.objects.count() == 2


def test_a_row_that_lost_is_deployed_like_any(alice: User, strategy: Strategy) -> None:
    """As a strategy is that nobody has tried: what speaks against it stands beside the button."""
    row = make_candidate(user=alice, strategy=strategy, figures={"total_return": -1.0})
    assert deploy(alice, row, now=NOW).candidate == row


def test_what_is_deployed_outlives_its_run(alice: User, row: Candidate) -> None:
    live = deploy(alice, row, now=NOW)
    row.run.delete()
    live.refresh_from_db()
    assert (live.candidate, live.status, live.parameters) == (None, "active", {"fast": 10, "slow": 40})
