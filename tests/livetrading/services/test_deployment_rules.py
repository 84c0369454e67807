"""The trading rules that a deployment takes over from its backtest or optimizer run."""

from dataclasses import replace
from typing import Any

import pytest

from backtests.models import ALL_SYMBOLS, Backtest
from livetrading.services.deploy import deployment_rules
from tests.livetrading.factories import make_backtest, make_candidate, make_strategy
from tradedesk.accounts.models import User
from tradedesk.core.declarations import InvalidRules
from tradedesk.core.rules import DEPLOYED_RULES, RiskRules, fully_invested

DEFAULTS = RiskRules(position_size_pct=0.02, max_positions=5)
# A value of each rule that differs from its default and is within the bounds of a deployment.
CHOSEN: dict[str, Any] = {
    "position_size_pct": 0.3,
    "max_position_size": 9_999.0,
    "max_positions": 7,
    "fractional": True,
    "stop_loss_pct": 0.03,
    "trailing_stop_pct": 0.04,
    "take_profit_pct": 0.06,
    "signal_threshold": 0.7,
    "daily_loss_limit": 500.0,
    "max_drawdown_pct": 0.2,
    "cooldown_bars": 3,
}


def backtest_with(user: User, symbols: int = 2, **rules: Any) -> Backtest:
    """A backtest with these rules; size and number of positions are those of a fully invested run when not
    given."""
    names = [f"S{number}" for number in range(symbols)]
    tested = RiskRules(**(fully_invested(symbols) | rules))
    return make_backtest(user=user, strategy=make_strategy(user=user, symbols=names), rules=tested.as_dict())


def test_every_rule_has_a_value_in_this_file() -> None:
    assert set(CHOSEN) == set(DEPLOYED_RULES) - {"trailing_stop_atr"}  # it excludes the other trailing stop
    for name, value in CHOSEN.items():
        DEPLOYED_RULES[name].check(value)
        assert CHOSEN[name] != getattr(DEFAULTS, name)


def test_a_strategy_has_the_defaults(alice: User) -> None:
    assert deployment_rules(make_strategy(user=alice)) == DEFAULTS


def test_all_rules_of_a_backtest_are_carried(alice: User) -> None:
    assert deployment_rules(backtest_with(alice, **CHOSEN)) == RiskRules(**CHOSEN)


@pytest.mark.parametrize("name", sorted(CHOSEN))
@pytest.mark.parametrize("source", ["backtest", "candidate"])
def test_each_rule_is_carried(alice: User, name: str, source: str) -> None:
    rule = {name: CHOSEN[name]}
    if source == "backtest":
        rules = deployment_rules(backtest_with(alice, symbols=1, **rule))
    else:
        rules = deployment_rules(make_candidate(user=alice, run={"rules": rule}))
    assert getattr(rules, name) == CHOSEN[name]
    unchanged = set(DEPLOYED_RULES) - {name}
    if name == "position_size_pct":
        unchanged.remove("max_positions")  # the tested number belongs to the chosen size
        assert rules.max_positions == 1
    for other in unchanged:
        assert getattr(rules, other) == getattr(DEFAULTS, other)


@pytest.mark.parametrize(
    ("tested", "deployed"),
    [
        ({"position_size_pct": 0.5}, (0.5, 2)),
        ({"position_size_pct": 0.51}, (0.5, 2)),
        ({"position_size_pct": 1.0}, (0.5, 2)),
        ({"position_size_pct": 0.001}, (0.001, 2)),
        ({"max_positions": 20}, (0.02, 20)),
        ({"max_positions": 21}, (0.02, 20)),
        ({"max_positions": 1}, (0.02, 1)),
        ({"position_size_pct": 0.9, "max_positions": 1000}, (0.5, 20)),
    ],
)
def test_a_chosen_size_is_kept_within_the_bounds_of_a_deployment(
    alice: User, tested: dict[str, Any], deployed: tuple[float, int]
) -> None:
    rules = deployment_rules(backtest_with(alice, **tested))
    assert (rules.position_size_pct, rules.max_positions) == deployed
    assert isinstance(rules.max_positions, int)


@pytest.mark.parametrize("symbols", [1, 2, 3, 7, 30])
def test_a_fully_invested_size_is_not_carried(alice: User, symbols: int) -> None:
    """The other rules are carried."""
    rules = deployment_rules(backtest_with(alice, symbols=symbols, stop_loss_pct=0.03, daily_loss_limit=500.0))
    assert rules == RiskRules(position_size_pct=0.02, max_positions=5, stop_loss_pct=0.03, daily_loss_limit=500.0)


def test_a_run_without_chosen_rules_is_deployed_with_the_defaults(alice: User) -> None:
    for universe in ("AAPL", ALL_SYMBOLS):
        assert deployment_rules(make_candidate(user=alice, universe=universe)) == DEFAULTS


def test_the_chosen_rules_of_a_run_are_carried(alice: User) -> None:
    candidate = make_candidate(user=alice, universe=ALL_SYMBOLS, run={"rules": CHOSEN})
    assert deployment_rules(candidate) == RiskRules(**CHOSEN)


def test_a_chosen_size_of_a_run_is_kept_within_the_bounds_of_a_deployment(alice: User) -> None:
    candidate = make_candidate(user=alice, run={"rules": {"position_size_pct": 0.8, "max_positions": 50}})
    rules = deployment_rules(candidate)
    assert (rules.position_size_pct, rules.max_positions) == (0.5, 20)


def test_a_strategy_has_the_defaults_of_its_kind(alice: User) -> None:
    kept = make_strategy(user=alice, kind="buy_and_hold", parameters={})
    assert deployment_rules(kept) == replace(DEFAULTS, stop_loss_pct=None)


def test_a_stored_rule_out_of_bounds_is_an_error(alice: User) -> None:
    backtest = backtest_with(alice)
    backtest.rules["stop_loss_pct"] = 1.5
    with pytest.raises(InvalidRules) as refused:
        deployment_rules(backtest)
    assert refused.value.field == "stop_loss_pct"


def test_a_fully_invested_size_that_went_through_a_form_is_not_carried(alice: User) -> None:
    """A form shows twelve digits of a percentage."""
    size = round(100 * fully_invested(3)["position_size_pct"], 10) / 100
    assert size != fully_invested(3)["position_size_pct"]
    assert deployment_rules(backtest_with(alice, symbols=3, position_size_pct=size)) == DEFAULTS


def test_a_stored_rule_that_the_desk_no_longer_has_is_left_out(alice: User) -> None:
    backtest = backtest_with(alice, **CHOSEN)
    backtest.rules["max_holding_days"] = 5
    assert deployment_rules(backtest) == RiskRules(**CHOSEN)
