"""The form of a new backtest: parsing, units, bounds and messages."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.forms import BacktestForm, CountField, NumberField, PercentField
from backtests.services.inputs import MAX_CAPITAL, MIN_CAPITAL, checked_rules
from strategies.models import Strategy
from strategies.services import save_strategy
from tradedesk.accounts.models import User
from tradedesk.core.declarations import InvalidRules
from tradedesk.core.rules import DEFAULT_COSTS, Costs, RiskRules

RULES, COSTS = RiskRules().as_dict(), DEFAULT_COSTS.as_dict()
NUMBERS = {name: field for name, field in BacktestForm.base_fields.items() if isinstance(field, NumberField)}
BOUNDED = sorted(set(NUMBERS) - {"initial_capital"})


@pytest.fixture
def typed(strategy: Strategy) -> dict[str, Any]:
    return {
        "strategy": str(strategy.pk),
        "symbols": "aapl, msft",
        "start_date": "2005-01-03",
        "end_date": "2010-12-31",
        "initial_capital": "5000.50",
        "commission_bps": "1.5",
        "slippage_bps": "0",
        "commission_per_order": "0",
        "commission_per_share": "0.005",
        "position_size_pct": "12.5",
        "max_position_size": "",
        "max_positions": "3",
        "stop_loss_pct": "7.3",
        "take_profit_pct": "",
        "signal_threshold": "0.5",
        "daily_loss_limit": "",
        "max_drawdown_pct": "35",
        "fractional": "on",
    }


def test_its_values_are_the_arguments_of_the_service(
    alice: User, strategy: Strategy, typed: dict[str, Any]
) -> None:
    form = BacktestForm(alice, typed)
    assert form.is_valid(), form.errors
    values = form.values()
    assert values.pop("strategy") == strategy
    assert str(values.pop("start_date")) == "2005-01-03"
    assert str(values.pop("end_date")) == "2010-12-31"
    assert values == {
        "symbols": "aapl, msft",
        "initial_capital": 5000.5,
        "compare_with": "",
        "commission_bps": 1.5,
        "slippage_bps": 0.0,
        "commission_per_order": 0.0,
        "commission_per_share": 0.005,
        "position_size_pct": 0.125,
        "max_position_size": None,
        "max_positions": 3,
        "stop_loss_pct": 0.073,
        "trailing_stop_pct": None,
        "trailing_stop_atr": None,
        "take_profit_pct": None,
        "signal_threshold": 0.5,
        "daily_loss_limit": None,
        "max_drawdown_pct": 0.35,
        "cooldown_bars": None,
        "fractional": True,
    }
    assert isinstance(values["max_positions"], int)


def test_it_has_a_field_for_every_rule_and_cost() -> None:
    assert RULES.keys() | COSTS.keys() <= BacktestForm.base_fields.keys()


def test_missing_values_get_their_defaults(alice: User, typed: dict[str, Any]) -> None:
    required = ("strategy", "start_date", "end_date")
    form = BacktestForm(alice, {name: typed[name] for name in required})
    assert form.is_valid(), form.errors
    given_values = {name: value for name, value in form.values().items() if value is not None}
    assert given_values["initial_capital"] == 100_000
    assert {name: given_values[name] for name in COSTS} == COSTS
    assert given_values["stop_loss_pct"] == RULES["stop_loss_pct"]
    assert given_values["signal_threshold"] == RULES["signal_threshold"]


def test_an_empty_stop_is_off_and_two_trailing_stops_are_an_error_of_the_service(
    alice: User, typed: dict[str, Any]
) -> None:
    form = BacktestForm(alice, typed | {"stop_loss_pct": "", "trailing_stop_pct": "5", "trailing_stop_atr": "3"})
    assert form.is_valid(), form.errors
    values = form.values()
    stops = ("stop_loss_pct", "trailing_stop_pct", "trailing_stop_atr")
    assert [values[name] for name in stops] == [None, 0.05, 3.0]
    errors: dict[str, str] = {}
    checked_rules({name: values[name] for name in RULES}, 1, errors)
    assert errors.keys() == {"trailing_stop_atr"}


def is_accepted(name: str, value: float) -> bool:
    try:
        RiskRules(**{name: value}) if name in RULES else Costs(**{name: value})  # type: ignore[arg-type]
    except InvalidRules:
        return False
    return True


@pytest.mark.parametrize("name", BOUNDED)
def test_its_bounds_are_the_bounds_of_the_rules(name: str) -> None:
    field = NUMBERS[name]
    step = 1 if isinstance(field, CountField) else 1e-6
    for bound, outwards in ((field.low, -step), (field.high, step)):
        value = field.clean(str(bound))
        assert is_accepted(name, value)
        assert not is_accepted(name, value + outwards)


def test_the_bounds_of_the_capital_match_the_service() -> None:
    field = NUMBERS["initial_capital"]
    assert (field.low, field.high) == (MIN_CAPITAL, MAX_CAPITAL)


@pytest.mark.each_value
@pytest.mark.parametrize("name", [*BOUNDED, "initial_capital"])
@pytest.mark.parametrize("text", ["abc", "nan", "inf", "-inf", "1e400", "-0.001", "1e10", "1,5"])
def test_an_invalid_number_is_refused(alice: User, typed: dict[str, Any], name: str, text: str) -> None:
    form = BacktestForm(alice, typed | {name: text})
    assert not form.is_valid()
    assert list(form.errors) == [name]


@given(st.floats(0.1, 99).map(lambda percent: round(percent, 6)))
def test_a_percentage_is_shown_as_it_was_typed(percent: float) -> None:
    field = PercentField("Stop loss (%)", 0.1, 99)
    text = f"{percent:.10g}"
    assert field.prepare_value(field.clean(text)) == text


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("max_positions", "2.5", "Enter a whole number."),
        ("signal_threshold", "", "This field is required."),
        ("stop_loss_pct", "100", "Enter a number between 0.1 and 99."),
        ("initial_capital", "0", "Enter a number between 1 and 1,000,000,000."),
        ("initial_capital", "", "This field is required."),
        ("start_date", "yesterday", "Enter a date such as 2012-03-05."),
        ("end_date", "", "This field is required."),
        ("strategy", "", "This field is required."),
        ("strategy", "abc", "Select one of your strategies."),
    ],
)
def test_messages_of_the_form(alice: User, typed: dict[str, Any], name: str, text: str, message: str) -> None:
    form = BacktestForm(alice, typed | {name: text})
    assert dict(form.errors) == {name: [message]}


def test_another_users_strategy_is_refused(alice: User, bob: User, typed: dict[str, Any]) -> None:
    other = save_strategy(bob, name="Bob's", kind="macd", parameters={}, symbols=["IBM"], timeframe="1Day")
    form = BacktestForm(alice, typed | {"strategy": str(other.pk)})
    assert form.errors == {"strategy": ["Select one of your strategies."]}
    assert "Bob" not in str(form["strategy"])


def test_errors_of_the_service_are_shown_at_their_fields(alice: User, typed: dict[str, Any]) -> None:
    form = BacktestForm(alice, typed)
    form.add_errors({"symbols": "No bars.", "stop_loss_pct": "Too wide.", "other": "Not now."})
    assert form.errors == {"symbols": ["No bars."], "stop_loss_pct": ["Too wide."], "__all__": ["Not now."]}
