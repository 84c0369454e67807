from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from strategies.forms import StrategyForm
from strategies.kinds import Choice, Kind, kinds
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
        assert param.help.rstrip(".") in field.field.help_text
        if isinstance(param, Choice):
            for place, text in enumerate(param.options.values()):
                selected = " selected" if place == param.default else ""
                assert f'<option value="{place}"{selected}>{text}</option>' in str(field)
            continue
        attributes = field.field.widget.attrs
        assert (attributes["min"], attributes["max"], attributes["step"]) == (param.low, param.high, param.step)
        assert f"{param.low:g} to {param.high:g}" in field.field.help_text


@pytest.mark.parametrize("kind", every_kind())
def test_an_unchanged_form_is_valid(kind: type[Kind]) -> None:
    rendered = StrategyForm(kind=kind.key)
    sent = {field.html_name: field.value() for field in rendered} | {"name": "New"}
    form = StrategyForm(sent)
    assert form.is_valid(), form.errors
    assert form.values is not None
    assert form.values["kind"] == kind.key
    assert form.values["parameters"] == kind().parameters


def test_a_new_form_starts_with_sma_crossover() -> None:
    assert StrategyForm().selected_kind.key == "sma_crossover"
    assert StrategyForm(kind="astrology").selected_kind.key == "sma_crossover"


def test_it_saves_text_as_numbers_and_symbols(alice: User) -> None:
    strategy = filled(param_fast=" 5.0 ").save(alice)
    assert strategy == Strategy.objects.get()
    assert strategy is not None
    assert strategy.parameters == {"fast": 5, "slow": 20}
    assert strategy.symbols == ["AAPL", "MSFT"]


def test_it_shows_a_stored_strategy_as_input(alice: User) -> None:
    parameters = {"period": 14, "oversold": 27.5, "overbought": 70.0, "enter_on": "return"}
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
        "param_enter_on": "1",
    }


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"symbols": "AAPL $"}, "symbols"),
        ({"symbols": " ".join(f"S{n}" for n in range(51))}, "symbols"),
        ({"timeframe": "1Year"}, "timeframe"),
        ({"timeframe": ""}, "timeframe"),
        ({"kind": "astrology"}, "kind"),
        ({"param_fast": ""}, "param_fast"),
        ({"param_fast": "ten"}, "param_fast"),
        ({"param_fast": "10.5"}, "param_fast"),
        ({"param_fast": "nan"}, "param_fast"),
        ({"param_fast": "1e999"}, "param_fast"),
        ({"param_fast": "9" * 5000}, "param_fast"),
        ({"param_fast": "1"}, "param_fast"),
        ({"param_fast": "-5"}, "param_fast"),
        ({"param_fast": "20"}, "__all__"),
    ],
)
def test_each_error_is_at_its_field(values: dict[str, str], field: str) -> None:
    form = filled(**values)
    assert not form.is_valid()
    assert list(form.errors) == [field]
    assert len(form.errors[field]) == 1
    assert 10 < len(str(form.errors[field][0])) < 200


def test_a_missing_field_is_an_error_and_gets_no_default() -> None:
    form = StrategyForm({name: value for name, value in FILLED.items() if name != "param_slow"})
    assert list(form.errors) == ["param_slow"]


def test_all_errors_are_reported_together() -> None:
    form = filled(name="", symbols="$", timeframe="x", param_fast="x", param_slow="0")
    assert set(form.errors) == {"name", "symbols", "timeframe", "param_fast", "param_slow"}


@pytest.mark.django_db
def test_an_invalid_form_saves_nothing(alice: User) -> None:
    assert filled(name="").save(alice) is None
    assert not Strategy.objects.exists()


def test_a_strategy_deleted_while_edited_is_a_form_error(alice: User) -> None:
    strategy = filled().save(alice)
    Strategy.objects.all().delete()
    form = StrategyForm(FILLED, strategy=strategy)
    assert form.save(alice) is None
    assert list(form.errors) == ["__all__"]


def test_a_changed_kind_gets_its_fields_and_keeps_the_other_input() -> None:
    form = filled(kind="macd", name=" My name", symbols="aapl,??", timeframe="1Hour")
    assert form.kind_changed
    changed = form.with_new_kind()
    assert not changed.is_bound
    assert {name: changed[name].value() for name in ("name", "symbols", "timeframe", "kind", "shown_kind")} == {
        "name": " My name",
        "symbols": "aapl,??",
        "timeframe": "1Hour",
        "kind": "macd",
        "shown_kind": "macd",
    }
    assert [field.value() for field in changed.parameter_fields] == ["12", "26", "9"]


def test_an_unchanged_missing_or_unknown_kind_is_no_change() -> None:
    assert not filled().kind_changed
    assert not StrategyForm().kind_changed
    assert not filled(shown_kind="").kind_changed
    assert not filled(kind="astrology").kind_changed


def test_parameters_are_not_carried_over_to_another_kind(alice: User) -> None:
    strategy = filled(param_fast="17").save(alice)
    assert StrategyForm(strategy=strategy)["param_fast"].value() == "17"
    assert StrategyForm(strategy=strategy, kind="macd")["param_fast"].value() == "12"
    back = StrategyForm(strategy=strategy, kind="sma_crossover")
    assert back["param_fast"].value() == "17"


def test_a_kind_that_is_not_installed_is_replaced_by_the_default(alice: User) -> None:
    strategy = Strategy(user=alice, name="Old", kind="astrology", parameters={"moon": 3}, pk=1)
    form = StrategyForm(strategy=strategy)
    assert form.selected_kind.key == "sma_crossover"
    assert form["name"].value() == "Old"


@given(values=st.dictionaries(st.sampled_from(sorted(FILLED)), st.text() | st.floats().map(str)))
def test_any_input_is_either_valid_and_within_bounds_or_has_errors(values: dict[str, str]) -> None:
    data = QueryDict(mutable=True)
    data.update({**FILLED, **values})
    form = StrategyForm(data)
    if form.kind_changed:
        form.with_new_kind()
    elif form.is_valid():
        assert form.values is not None
        fast, slow = (form.values["parameters"][name] for name in ("fast", "slow"))
        assert 2 <= fast < slow <= 400
        assert 1 <= len(form.values["name"]) <= 80
    else:
        assert form.errors
