from typing import Any

import pytest

from tradedesk.core.rules import Costs, InvalidRules, RiskRules

RULE_BOUNDS = [
    ("position_size_pct", 0.001, 1.0),
    ("max_positions", 1, 1000),
    ("max_position_size", 1.0, 1e9),
    ("stop_loss_pct", 0.001, 0.99),
    ("take_profit_pct", 0.001, 100.0),
    ("signal_threshold", 0.0, 1.0),
    ("daily_loss_limit", 1.0, 1e9),
    ("max_drawdown_pct", 0.001, 0.99),
]
COST_BOUNDS = [
    ("commission_per_order", 0.0, 1000.0),
    ("commission_per_share", 0.0, 10.0),
    ("commission_bps", 0.0, 1000.0),
    ("slippage_bps", 0.0, 1000.0),
]


@pytest.mark.parametrize(
    ("rules", "name", "low", "high"),
    [(RiskRules, *bounds) for bounds in RULE_BOUNDS] + [(Costs, *bounds) for bounds in COST_BOUNDS],
)
def test_bounds_are_inclusive_and_the_field_is_named(
    rules: type[RiskRules | Costs], name: str, low: float, high: float
) -> None:
    def with_value(value: Any) -> RiskRules | Costs:
        return rules(**{name: value})

    assert getattr(with_value(low), name) == low
    assert getattr(with_value(high), name) == high
    for value in (low - 0.0005, high * 1.001, float("nan"), float("inf"), True, "1"):
        with pytest.raises(InvalidRules) as error:
            with_value(value)
        assert error.value.field == name
        assert str(error.value).startswith(f"{name} must be between ")


@pytest.mark.parametrize("name", ["max_position_size", "take_profit_pct", "daily_loss_limit", "max_drawdown_pct"])
def test_none_switches_a_limit_off(name: str) -> None:
    off: dict[str, Any] = {name: None}
    assert getattr(RiskRules(**off), name) is None


def test_the_defaults_are_fully_invested_with_a_ten_percent_stop() -> None:
    rules = RiskRules()
    assert (rules.position_size_pct, rules.max_positions, rules.stop_loss_pct) == (0.95, 1, 0.10)
    assert (rules.signal_threshold, rules.take_profit_pct, rules.fractional) == (0.6, None, False)
    assert set(Costs().as_dict().values()) == {0.0}


def test_rules_survive_being_stored_and_ignore_what_a_later_version_added() -> None:
    rules = RiskRules(position_size_pct=0.02, max_positions=5, daily_loss_limit=500.0, fractional=True)
    assert RiskRules.from_dict(rules.as_dict() | {"unheard_of": 1}) == rules


def test_doubled_costs_are_twice_each_cost() -> None:
    costs = Costs(commission_per_order=1.0, commission_per_share=0.005, commission_bps=3.0, slippage_bps=2.0)
    assert costs.doubled() == Costs(
        commission_per_order=2.0, commission_per_share=0.01, commission_bps=6.0, slippage_bps=4.0
    )


def test_a_doubled_cost_stays_within_its_bound() -> None:
    assert Costs(commission_bps=600.0, slippage_bps=1000.0).doubled() == Costs(
        commission_bps=1000.0, slippage_bps=1000.0
    )


def test_instead_of_no_costs_there_is_slippage() -> None:
    assert Costs().doubled() == Costs(slippage_bps=5.0)
