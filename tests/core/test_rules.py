"""The declarations of the trading rules and costs."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.core.declarations import InvalidRules, Rule, Scope, Unit
from tradedesk.core.rules import (
    COSTS,
    DEPLOYED_RULES,
    RULES,
    Costs,
    KernelRules,
    RiskRules,
    fully_invested,
    kernel_rules,
)

OWNERS: list[tuple[type[RiskRules | Costs], Rule]] = [
    *((RiskRules, rule) for rule in RULES.values()),
    *((Costs, rule) for rule in COSTS.values()),
]
NUMBERS = [(owner, rule) for owner, rule in OWNERS if rule.unit is not Unit.FLAG]
FLAGS = [(owner, rule) for owner, rule in OWNERS if rule.unit is Unit.FLAG]
OPTIONAL = {
    "max_position_size",
    "stop_loss_pct",
    "trailing_stop_pct",
    "trailing_stop_atr",
    "take_profit_pct",
    "daily_loss_limit",
    "max_drawdown_pct",
    "cooldown_bars",
}

each_rule = pytest.mark.parametrize(("owner", "rule"), OWNERS, ids=[rule.name for _, rule in OWNERS])
each_number = pytest.mark.parametrize(("owner", "rule"), NUMBERS, ids=[rule.name for _, rule in NUMBERS])


def made(owner: type[RiskRules | Costs], rule: Rule, value: object) -> Any:
    """The value as the object keeps it."""
    return getattr(owner(**{rule.name: value}), rule.name)  # type: ignore[arg-type]


def refused_field(owner: type[RiskRules | Costs], rule: Rule, value: object) -> str:
    with pytest.raises(InvalidRules) as refusal:
        made(owner, rule, value)
    return refusal.value.field


def values_of(rule: Rule) -> st.SearchStrategy[Any]:
    """Any valid value of a rule."""
    if rule.unit is Unit.FLAG:
        return st.booleans()
    valid: st.SearchStrategy[Any] = (
        st.integers(int(rule.low), int(rule.high)) if rule.unit is Unit.COUNT else st.floats(rule.low, rule.high)
    )
    return st.none() | valid if rule.optional else valid


def with_one_trailing_stop(**values: Any) -> RiskRules:
    by_percent = values["trailing_stop_pct"] is not None
    return RiskRules(**(values | ({"trailing_stop_atr": None} if by_percent else {})))


any_rules = st.builds(with_one_trailing_stop, **{name: values_of(rule) for name, rule in RULES.items()})
any_costs = st.builds(Costs, **{name: values_of(rule) for name, rule in COSTS.items()})


def test_bounds_of_every_rule() -> None:
    bounds = {rule.name: (rule.low, rule.high) for _, rule in NUMBERS}
    assert bounds == {
        "position_size_pct": (0.001, 1),
        "max_position_size": (1, 1e9),
        "max_positions": (1, 1000),
        "stop_loss_pct": (0.001, 0.99),
        "trailing_stop_pct": (0.001, 0.99),
        "trailing_stop_atr": (0.1, 100),
        "take_profit_pct": (0.001, 100),
        "signal_threshold": (0, 1),
        "daily_loss_limit": (1, 1e9),
        "max_drawdown_pct": (0.001, 0.99),
        "cooldown_bars": (1, 1000),
        "commission_bps": (0, 1000),
        "slippage_bps": (0, 1000),
        "commission_per_order": (0, 1000),
        "commission_per_share": (0, 10),
    }


@each_number
def test_a_value_at_a_bound_is_accepted_and_one_just_outside_is_refused(
    owner: type[RiskRules | Costs], rule: Rule
) -> None:
    count = rule.unit is Unit.COUNT
    for bound, outside in ((rule.low, -math.inf), (rule.high, math.inf)):
        inside = int(bound - math.copysign(1, outside)) if count else math.nextafter(bound, -outside)
        beyond = int(bound + math.copysign(1, outside)) if count else math.nextafter(bound, outside)
        assert made(owner, rule, bound) == bound
        assert made(owner, rule, inside) == inside
        assert refused_field(owner, rule, beyond) == rule.name


@each_number
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, True, False, "0.5", "", [0.5], 1j], ids=repr)
def test_what_is_not_a_finite_number_is_refused(owner: type[RiskRules | Costs], rule: Rule, value: object) -> None:
    assert refused_field(owner, rule, value) == rule.name


@each_rule
def test_none_is_accepted_only_where_it_switches_a_rule_off(owner: type[RiskRules | Costs], rule: Rule) -> None:
    assert rule.optional == (rule.name in OPTIONAL)
    if rule.optional:
        assert made(owner, rule, None) is None
    else:
        assert refused_field(owner, rule, None) == rule.name


@pytest.mark.parametrize(("owner", "rule"), FLAGS, ids=[rule.name for _, rule in FLAGS])
@pytest.mark.parametrize("value", [0, 1, 0.0, "true", None], ids=repr)
def test_a_flag_is_a_boolean(owner: type[RiskRules | Costs], rule: Rule, value: object) -> None:
    assert refused_field(owner, rule, value) == rule.name
    assert made(owner, rule, True) is True


def test_a_count_is_a_whole_number() -> None:
    for value in (1.5, 2.0):
        assert refused_field(RiskRules, RULES["max_positions"], value) == "max_positions"


def test_the_message_of_a_refusal_has_label_bounds_and_value() -> None:
    cases: list[tuple[Rule, object, str]] = [
        (RULES["stop_loss_pct"], 1.5, "Stop loss must be between 0.001 and 0.99, not 1.5."),
        (RULES["daily_loss_limit"], 0, "Daily loss limit must be between 1 and 1,000,000,000 dollars, not 0."),
        (COSTS["slippage_bps"], -1, "Slippage must be between 0 and 1,000 basis points, not -1."),
        (RULES["max_positions"], 1.5, "Max positions must be a whole number, not 1.5."),
        (RULES["fractional"], 1, "Fractional shares must be true or false, not 1."),
    ]
    for rule, value, message in cases:
        with pytest.raises(InvalidRules) as refusal:
            rule.check(value)
        assert str(refusal.value) == message


def test_defaults_are_valid_and_those_of_a_fully_invested_backtest() -> None:
    rules = RiskRules()
    assert (rules.position_size_pct, rules.max_positions, rules.stop_loss_pct) == (0.95, 1, 0.10)
    assert (rules.signal_threshold, rules.fractional) == (0.6, False)
    assert {name for name, value in rules.as_dict().items() if value is None} == OPTIONAL - {"stop_loss_pct"}
    assert set(Costs().as_dict().values()) == {0.0}
    assert fully_invested(1) == {"position_size_pct": 0.95, "max_positions": 1}
    assert fully_invested(5) == {"position_size_pct": 0.19, "max_positions": 5}
    assert fully_invested(0) == fully_invested(1)


def test_a_position_has_one_trailing_stop_and_is_warned_of_without_any_stop() -> None:
    with pytest.raises(InvalidRules) as refusal:
        RiskRules(trailing_stop_pct=0.1, trailing_stop_atr=3.0)
    assert refusal.value.field == "trailing_stop_atr"
    for stops in (
        {},
        {"stop_loss_pct": None, "trailing_stop_pct": 0.1},
        {"stop_loss_pct": None, "trailing_stop_atr": 3},
    ):
        assert RiskRules(**stops).has_stop
        assert RiskRules(**stops).stop_warning == ""
    assert RiskRules(stop_loss_pct=None).stop_warning


def test_every_rule_has_a_label_and_a_help_text_and_only_costs_have_the_scope_of_costs() -> None:
    labels = [rule.label for _, rule in OWNERS]
    assert len(set(labels)) == len(labels)
    assert all(rule.label and rule.help.endswith(".") for _, rule in OWNERS)
    assert {rule.name for _, rule in OWNERS if rule.scope is Scope.COST} == set(COSTS)


def test_bounds_and_defaults_of_a_deployment_differ_where_they_are_declared() -> None:
    assert list(DEPLOYED_RULES) == list(RULES)
    changed = {name: rule for name, rule in DEPLOYED_RULES.items() if rule != RULES[name]}
    assert {name: (rule.default, rule.high) for name, rule in changed.items()} == {
        "position_size_pct": (0.02, 0.5),
        "max_positions": (5, 20),
    }
    for rule, inside, outside in (
        (changed["position_size_pct"], 0.5, 0.5001),
        (changed["max_positions"], 20, 21),
    ):
        rule.check(inside)
        RULES[rule.name].check(outside)
        with pytest.raises(InvalidRules, match=f"and {inside}, not {outside}"):
            rule.check(outside)


@given(any_rules, any_costs)
def test_stored_rules_come_back_equal_and_unknown_names_are_ignored(rules: RiskRules, costs: Costs) -> None:
    assert RiskRules.from_dict(rules.as_dict() | {"of_a_later_version": 1}) == rules
    assert Costs.from_dict(costs.as_dict() | {"of_a_later_version": 1}) == costs


def test_a_missing_stored_value_has_its_default_and_a_wrong_one_is_refused() -> None:
    assert RiskRules.from_dict({"max_positions": 3}) == RiskRules(max_positions=3)
    with pytest.raises(InvalidRules) as refusal:
        RiskRules.from_dict({"stop_loss_pct": 1.5})
    assert refusal.value.field == "stop_loss_pct"


def test_the_kernels_structure_has_the_names_of_all_rules_and_costs() -> None:
    assert KernelRules._fields == (*RULES, *COSTS)
    assert not set(RULES) & set(COSTS)


@given(any_rules, any_costs)
def test_the_kernel_gets_each_value_in_one_type_and_infinity_for_a_rule_that_is_off(
    rules: RiskRules, costs: Costs
) -> None:
    values = kernel_rules(rules, costs)._asdict()
    stored = rules.as_dict() | costs.as_dict()
    assert values == {name: math.inf if value is None else value for name, value in stored.items()}
    types = {Unit.FLAG: bool, Unit.COUNT: int}
    assert {name: type(value) for name, value in values.items()} == {
        rule.name: float if rule.optional else types.get(rule.unit, float) for _, rule in OWNERS
    }


def test_the_kernel_value_of_whole_dollars_and_of_an_optional_count_is_a_float() -> None:
    assert type(RULES["daily_loss_limit"].kernel_value(500)) is float
    assert type(replace(RULES["max_positions"], optional=True).kernel_value(5)) is float


@given(any_costs)
def test_doubled_costs_are_twice_each_cost_up_to_its_bound(costs: Costs) -> None:
    if costs.is_free:
        return
    doubled = costs.doubled().as_dict()
    assert doubled == {name: min(2 * value, COSTS[name].high) for name, value in costs.as_dict().items()}


def test_doubling_no_costs_gives_five_basis_points_of_slippage() -> None:
    assert Costs().is_free
    assert Costs().doubled() == Costs(slippage_bps=5.0)
    assert not Costs(commission_per_share=0.001).is_free


def test_doubled_costs_of_one_example() -> None:
    costs = Costs(commission_per_order=1.0, commission_per_share=0.005, commission_bps=600.0, slippage_bps=2.0)
    assert costs.doubled() == Costs(
        commission_per_order=2.0, commission_per_share=0.01, commission_bps=1000.0, slippage_bps=4.0
    )
