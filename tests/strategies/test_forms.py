from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from strategies.forms import StrategyForm
from strategies.kinds import Kind, kinds
from strategies.models import Strategy
from strategies.services import save_strategy
from tradedesk.accounts.models import User

FILLED = {
    "name": "Tech",
    "kind": "sma_crossover",
    "shown_kind": "sma_crossover",
    "symbols": "aapl msft",
    "timeframe": "1Day",
    "param_fast": "5",
    "param_slow": "20",
}


def filled(**values: Any) -> StrategyForm:
    return StrategyForm({**FILLED, **values})


def every_kind() -> list[Any]:
    return [pytest.param(kind, id=key) for key, kind in kinds().items()]


@pytest.mark.parametrize("kind", every_kind())
def test_every_parameter_has_a_field_with_its_bounds(kind: type[Kind]) -> None:
    form = StrategyForm(kind=kind.key)
    assert [field.name for field in form.parameter_fields] == [f"param_{name}" for name in kind.params()]
    for name, param in kind.params().items():
        field = form[f"param_{name}"]
        assert field.label == param.label
        assert float(field.value()) == param.default
        attributes = field.field.widget.attrs
        assert (attributes["min"], attributes["max"], attributes["step"]) == (param.low, param.high, param.step)
        assert param.help.rstrip(".") in field.field.help_text
        assert f"{param.low:g} to {param.high:g}" in field.field.help_text


@pytest.mark.parametrize("kind", every_kind())
def test_the_fields_as_they_are_drawn_can_be_sent(kind: type[Kind]) -> None:
    drawn = StrategyForm(kind=kind.key)
    sent = {field.html_name: field.value() for field in drawn} | {"name": "Drawn"}
    form = StrategyForm(sent)
    assert form.is_valid(), form.errors
    assert form.values is not None
    assert form.values["kind"] == kind.key
    assert form.values["parameters"] == kind().parameters


def test_a_new_form_starts_with_a_crossover() -> None:
    assert StrategyForm().chosen_kind.key == "sma_crossover"
    assert StrategyForm(kind="astrology").chosen_kind.key == "sma_crossover"


def test_it_saves_typed_values_as_numbers_and_symbols(alice: User) -> None:
    strategy = filled(param_fast=" 5.0 ").save(alice)
    assert strategy == Strategy.objects.get()
    assert strategy is not None
    assert strategy.parameters == {"fast": 5, "slow": 20}
    assert strategy.symbols == ["AAPL", "MSFT"]


def test_it_shows_a_stored_strategy_as_a_person_types_it(alice: User) -> None:
    parameters = {"period": 14, "oversold": 27.5, "overbought": 70.0}
    strategy = save_strategy(
        alice,
        name="Dips",
        kind="rsi_mean_reversion",
        parameters=parameters,
        symbols=["AAPL", "IBM"],
        timeframe="1Hour",
    )
    form = StrategyForm(strategy=strategy)
    shown = {field.name: field.value() for field in form}
    assert shown == {
        "name": "Dips",
        "kind": "rsi_mean_reversion",
        "shown_kind": "rsi_mean_reversion",
        "timeframe": "1Hour",
        "symbols": "AAPL, IBM",
        "param_period": "14",
        "param_oversold": "27.5",
        "param_overbought": "70",
    }


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"name": ""}, "name", "Give the strategy a name."),
        ({"name": "x" * 81}, "name", "A name has at most 80 characters, not 81."),
        ({"name": "a\x00b"}, "name", "Null characters are not allowed."),
        ({"symbols": "AAPL $"}, "symbols", "“$” is not a symbol."),
        ({"symbols": " ".join(f"S{n}" for n in range(51))}, "symbols", "At most 50 symbols, not 51."),
        ({"timeframe": "1Year"}, "timeframe", "Select a valid choice."),
        ({"timeframe": ""}, "timeframe", "This field is required."),
        ({"kind": "astrology"}, "kind", "Select a valid choice."),
        ({"param_fast": ""}, "param_fast", "Fast average must be a whole number."),
        ({"param_fast": "ten"}, "param_fast", "Fast average must be a whole number."),
        ({"param_fast": "10.5"}, "param_fast", "Fast average must be a whole number."),
        ({"param_fast": "nan"}, "param_fast", "Fast average must be a whole number."),
        ({"param_fast": "1e999"}, "param_fast", "Fast average must be a whole number."),
        ({"param_fast": "9" * 5000}, "param_fast", "Fast average must be a whole number."),
        ({"param_fast": "1"}, "param_fast", "Fast average must be between 2 and"),
        ({"param_fast": "-5"}, "param_fast", "Fast average must be between 2 and"),
        ({"param_fast": "20"}, "__all__", "must be shorter than the slow average"),
    ],
)
def test_it_says_what_is_wrong_at_the_field(values: dict[str, str], field: str, message: str) -> None:
    form = filled(**values)
    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert message in form.errors[field][0]
    assert len(form.errors[field]) == 1


def test_a_field_that_was_not_sent_is_refused_not_defaulted() -> None:
    form = StrategyForm({name: value for name, value in FILLED.items() if name != "param_slow"})
    assert form.errors == {"param_slow": ["Slow average must be a whole number."]}


def test_it_says_everything_that_is_wrong_at_once() -> None:
    form = filled(name="", symbols="$", timeframe="x", param_fast="x", param_slow="0")
    assert set(form.errors) == {"name", "symbols", "timeframe", "param_fast", "param_slow"}


@pytest.mark.django_db
def test_a_refused_form_saves_nothing(alice: User) -> None:
    assert filled(name="").save(alice) is None
    assert not Strategy.objects.exists()


def test_a_strategy_deleted_meanwhile_is_said_at_the_top(alice: User) -> None:
    strategy = filled().save(alice)
    Strategy.objects.all().delete()
    form = StrategyForm(FILLED, strategy=strategy)
    assert form.save(alice) is None
    assert form.non_field_errors() == ["This strategy has been deleted in the meantime."]


def test_another_kind_than_shown_asks_for_its_fields_and_keeps_what_was_typed() -> None:
    form = filled(kind="macd", name=" My name", symbols="aapl,??", timeframe="1Hour")
    assert form.asks_for_other_kind
    redrawn = form.redrawn()
    assert not redrawn.is_bound
    assert {name: redrawn[name].value() for name in ("name", "symbols", "timeframe", "kind", "shown_kind")} == {
        "name": " My name",
        "symbols": "aapl,??",
        "timeframe": "1Hour",
        "kind": "macd",
        "shown_kind": "macd",
    }
    assert [field.value() for field in redrawn.parameter_fields] == ["12", "26", "9"]


def test_the_kind_that_is_shown_asks_for_nothing() -> None:
    assert not filled().asks_for_other_kind
    assert not StrategyForm().asks_for_other_kind
    assert not filled(shown_kind="").asks_for_other_kind
    assert not filled(kind="astrology").asks_for_other_kind


def test_parameters_of_one_kind_are_not_taken_for_those_of_another(alice: User) -> None:
    strategy = filled(param_fast="17").save(alice)
    assert StrategyForm(strategy=strategy)["param_fast"].value() == "17"
    assert StrategyForm(strategy=strategy, kind="macd")["param_fast"].value() == "12"
    back = StrategyForm(strategy=strategy, kind="sma_crossover")
    assert back["param_fast"].value() == "17"


def test_a_kind_that_is_gone_offers_the_others(alice: User) -> None:
    strategy = Strategy(user=alice, name="Old", kind="astrology", parameters={"moon": 3}, pk=1)
    form = StrategyForm(strategy=strategy)
    assert form.chosen_kind.key == "sma_crossover"
    assert form["name"].value() == "Old"


# What a browser, or somebody without one, can send: never an exception, and what is accepted is within bounds.
@given(values=st.dictionaries(st.sampled_from(sorted(FILLED)), st.text() | st.floats().map(str)))
def test_whatever_is_sent_is_accepted_within_bounds_or_refused(values: dict[str, str]) -> None:
    data = QueryDict(mutable=True)
    data.update({**FILLED, **values})
    form = StrategyForm(data)
    if form.asks_for_other_kind:
        form.redrawn()
    elif form.is_valid():
        assert form.values is not None
        fast, slow = (form.values["parameters"][name] for name in ("fast", "slow"))
        assert 2 <= fast < slow <= 400
        assert 1 <= len(form.values["name"]) <= 80
    else:
        assert form.errors
