"""Deploy to Live: refusals by field, and their messages."""

import math
from typing import Any

import pytest

from livetrading.models import LiveStrategy
from livetrading.services.deploy import AlreadyDeployed, DeploymentSettings, DeployRefused, deploy
from strategies.models import Strategy
from tests.livetrading.factories import NOW, make_backtest, make_strategy
from tests.livetrading.made_bars import flat, store_bars
from tradedesk.accounts.models import Mode, User
from tradedesk.core.rules import RiskRules
from tradedesk.marketdata.models import BarSeries
from tradedesk.notifications.models import Notification

Status = LiveStrategy.Status


@pytest.fixture
def strategy(alice: User) -> Strategy:
    store_bars(AAPL=flat(10, 11), MSFT=flat(20, 21), IBM=flat(30, 31))
    return make_strategy(user=alice, name="Golden cross")


def refusal_of(user: User, source: Any, **options: Any) -> dict[str, str]:
    with pytest.raises(DeployRefused) as refused:
        deploy(user, source, now=NOW, wall_now=NOW, **options)
    assert not LiveStrategy.objects.exists()
    assert not Notification.objects.exists()
    assert str(refused.value) == " ".join(refused.value.errors.values())
    return refused.value.errors


@pytest.mark.parametrize("symbols", [[], ["", " "]])
def test_a_deployment_without_symbols_is_refused(alice: User, strategy: Strategy, symbols: list[str]) -> None:
    assert list(refusal_of(alice, strategy, symbols=symbols)) == ["symbols"]
    strategy.symbols = symbols
    assert list(refusal_of(alice, strategy)) == ["symbols"]


def test_an_invalid_symbol_is_refused(alice: User, strategy: Strategy) -> None:
    assert "“$$$”" in refusal_of(alice, strategy, symbols=["AAPL", "$$$"])["symbols"]


def test_symbols_without_bars_are_listed_with_the_import_command(alice: User, strategy: Strategy) -> None:
    command = "manage.py import_bars FILE --symbol ZZZ --timeframe 1Day"
    errors = refusal_of(alice, strategy, symbols=["AAPL", "ZZZ", "YYY"])
    assert list(errors) == ["symbols"]
    assert "ZZZ, YYY" in errors["symbols"]
    assert command in errors["symbols"]


def test_bars_without_split_adjustment_are_refused(alice: User, strategy: Strategy) -> None:
    BarSeries.objects.filter(symbol="MSFT").update(adjusted=False)
    assert "MSFT" in refusal_of(alice, strategy)["symbols"]


def test_two_rules_that_exclude_each_other_are_refused(alice: User, strategy: Strategy) -> None:
    both = DeploymentSettings(rules={"trailing_stop_pct": 0.1, "trailing_stop_atr": 3.0})
    assert list(refusal_of(alice, strategy, settings=both)) == ["trailing_stop_atr"]


@pytest.mark.parametrize(
    ("field", "low", "high", "outside"),
    [
        ("check_interval", 60, 3600, [59, 3601, 0, -300]),
        ("max_positions", 1, 20, [0, 21, -1]),
        ("position_size_pct", 0.001, 0.5, [0.0, 0.0009, 0.5001, -0.02, math.nan, math.inf]),
        ("max_position_size", 1, 1e9, [0.0, 0.99, 1.1e9, -5.0, math.nan, math.inf]),
        ("daily_loss_limit", 1, 1e9, [0.0, 0.99, 1.1e9, -5.0, math.nan, math.inf]),
    ],
)
def test_a_choice_out_of_bounds_is_refused_by_its_field(
    field: str, low: float, high: float, outside: list[float]
) -> None:
    for value in (low, high):
        choose(field, value)
    for value in outside:
        with pytest.raises(DeployRefused) as refused:
            choose(field, value)
        assert list(refused.value.errors) == [field]


def choose(field: str, value: Any) -> DeploymentSettings:
    return (
        DeploymentSettings(check_interval=value)
        if field == "check_interval"
        else DeploymentSettings(rules={field: value})
    )


def test_all_settings_out_of_bounds_are_refused_together() -> None:
    with pytest.raises(DeployRefused) as refused:
        DeploymentSettings(
            check_interval=1, rules={"max_positions": 0, "position_size_pct": 1.0, "stop_loss_pct": 0.1}
        )
    assert set(refused.value.errors) == {"check_interval", "max_positions", "position_size_pct"}


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"parameters": {"fast": 30, "slow": 10}}, "30"),
        ({"kind": "deleted"}, "“deleted”"),
    ],
)
def test_a_strategy_with_invalid_parameters_or_an_unknown_kind_is_refused(
    alice: User, strategy: Strategy, changes: dict[str, Any], fact: str
) -> None:
    Strategy.objects.update(**changes)
    strategy.refresh_from_db()
    assert fact in refusal_of(alice, strategy)["parameters"]


def test_a_stored_rule_out_of_bounds_is_refused_by_its_name(alice: User, strategy: Strategy) -> None:
    rules = RiskRules().as_dict() | {"stop_loss_pct": 1.5}
    backtest = make_backtest(user=alice, strategy=strategy, rules=rules)
    assert list(refusal_of(alice, backtest)) == ["stop_loss_pct"]


def test_a_deployment_in_live_mode_is_refused(alice: User, strategy: Strategy) -> None:
    alice.mode = Mode.LIVE
    alice.save()
    assert list(refusal_of(alice, strategy)) == ["mode"]


def test_the_messages_of_refused_deployments(alice: User, strategy: Strategy) -> None:
    assert refusal_of(alice, strategy, symbols=[]) == {"symbols": "Choose at least one symbol to trade."}
    lost = make_backtest(user=alice, strategy=strategy, metrics={"total_return": -0.01})
    message = "Only a completed backtest with a profit can be deployed."
    assert refusal_of(alice, lost) == {"backtest_id": message}
    with pytest.raises(DeployRefused) as refused:
        DeploymentSettings(check_interval=59, rules={"position_size_pct": 0.6})
    assert refused.value.errors == {
        "check_interval": "The check interval must be between 60 and 3,600 seconds.",
        "position_size_pct": "Position size must be between 0.001 and 0.5, not 0.6.",
    }
    live = deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key="press")
    with pytest.raises(DeployRefused) as refused:
        deploy(alice, strategy, now=NOW, wall_now=NOW, deploy_key="press", symbols=["IBM"])
    assert str(refused.value) == "This key was used for another deployment. Use a new key."
    with pytest.raises(AlreadyDeployed) as already:
        deploy(alice, strategy, now=NOW, wall_now=NOW)
    assert str(already.value) == f"“{live.name}” is already active with the same settings."
    LiveStrategy.objects.all().delete()
    Notification.objects.all().delete()
    alice.mode = Mode.LIVE
    alice.save()
    message = "No live broker account is connected, so live orders cannot be sent."
    assert refusal_of(alice, strategy) == {"mode": message}
