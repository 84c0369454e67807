import re

import pytest
from django.test import Client

from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.strategies.examples import a_deployment, a_strategy, words
from tradedesk.accounts.models import User

LIST = "/dashboard/strategies"
NEW = "/dashboard/strategies/new"
HTMX = {"HX-Request": "true"}
FILLED = {
    "name": "Trend",
    "kind": "sma_crossover",
    "shown_kind": "sma_crossover",
    "symbols": "AAPL, MSFT",
    "timeframe": "1Day",
    "param_fast": "5",
    "param_slow": "20",
}


def test_a_new_strategy_is_created(alices_browser: Client, alice: User, samples: None) -> None:
    answer = alices_browser.post(NEW, FILLED, follow=True)
    strategy = alice.strategies.get()
    assert answer.redirect_chain == [(f"{LIST}/{strategy.pk}", 302)]
    assert strategy.parameters == {"fast": 5, "slow": 20}
    assert strategy.symbols == ["AAPL", "MSFT"]
    assert "Trend is saved." in words(answer)
    assert "No 1Day bars" not in words(answer)


def test_symbols_without_bars_are_saved_and_pointed_out(
    alices_browser: Client, alice: User, samples: None
) -> None:
    answer = alices_browser.post(NEW, {**FILLED, "symbols": "AAPL TSLA"}, follow=True)
    assert alice.strategies.get().symbols == ["AAPL", "TSLA"]
    assert "No 1Day bars for TSLA." in words(answer)
    assert "manage.py import_bars FILE --symbol TSLA --timeframe 1Day" in words(answer)


def test_the_kind_can_be_chosen_by_a_link(alices_browser: Client) -> None:
    html = alices_browser.get(NEW, {"kind": "rsi_mean_reversion"}).content.decode()
    assert '<option value="rsi_mean_reversion" selected>' in html
    assert 'name="param_oversold"' in html
    assert 'name="param_fast"' not in html
    assert alices_browser.get(NEW, {"kind": "astrology"}).status_code == 200


def test_choosing_a_kind_brings_its_fields_alone(alices_browser: Client) -> None:
    html = alices_browser.get(NEW, {"kind": "macd"}, headers=HTMX).content.decode()
    assert "<form" not in html
    assert 'name="name"' not in html
    assert re.search(r'<input type="hidden" name="shown_kind" value="macd"', html)
    assert re.findall(r'name="(param_\w+)"', html) == ["param_fast", "param_slow", "param_signal"]
    whole = alices_browser.get(NEW).content.decode()
    assert re.search(rf'<select name="kind"[^>]*hx-get="{NEW}"', whole)
    assert 'hx-target="#kind-fields"' in whole
    assert 'id="kind-fields"' in whole


def test_without_script_a_kind_is_chosen_by_sending_the_form(alices_browser: Client) -> None:
    typed = {**FILLED, "kind": "macd", "name": "Half typed", "symbols": "??", "timeframe": "1Hour"}
    answer = alices_browser.post(NEW, typed)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert not Strategy.objects.exists()
    assert 'value="Half typed"' in html
    assert 'value="??"' in html
    assert '<option value="1Hour" selected>' in html
    assert '<option value="macd" selected>' in html
    assert 'name="param_signal"' in html
    assert "errorlist" not in html
    assert re.search(r"<noscript>\s*<button", html)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": ""}, "Give the strategy a name."),
        ({"name": "x" * 81}, "A name has at most 80 characters, not 81."),
        ({"kind": "astrology", "shown_kind": "astrology"}, "Select a valid choice."),
        ({"symbols": "A$"}, "“A$” is not a symbol."),
        ({"timeframe": "1Year"}, "Select a valid choice."),
        ({"param_fast": "ten"}, "Fast average must be a whole number."),
        ({"param_slow": "100000"}, "Slow average must be between"),
        ({"param_fast": "30", "param_slow": "20"}, "must be shorter than the slow average (20)."),
    ],
)
def test_a_refused_form_keeps_what_was_typed(alices_browser: Client, values: dict[str, str], message: str) -> None:
    answer = alices_browser.post(NEW, {**FILLED, **values})
    assert answer.status_code == 200
    assert message in words(answer)
    assert not Strategy.objects.exists()
    for name in ("name", "symbols", "param_fast", "param_slow"):
        typed = {**FILLED, **values}[name]
        assert re.search(rf'name="{name}" value="{re.escape(typed)}"', answer.content.decode()) or not typed


def test_a_refused_field_is_marked_for_everybody(alices_browser: Client) -> None:
    html = alices_browser.post(NEW, {**FILLED, "param_fast": "1"}).content.decode()
    field = re.search(r'<input[^>]*name="param_fast"[^>]*>', html)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert 'min="2"' in field[0]
    assert 'step="1"' in field[0]


def test_the_form_names_the_bars_on_hand(alices_browser: Client, samples: None) -> None:
    assert "1Day AAPL, FB, GOOG, IBM, MSFT" in words(alices_browser.get(NEW))


def test_editing_changes_the_strategy_and_not_its_deployment(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    a_deployment(strategy)
    url = f"{LIST}/{strategy.pk}/edit"
    assert "Live - Tech has its own copy of the rules, which does not change." in words(alices_browser.get(url))
    answer = alices_browser.post(url, {**FILLED, "param_fast": "8"})
    assert answer["Location"] == f"{LIST}/{strategy.pk}"
    strategy.refresh_from_db()
    assert (strategy.name, strategy.parameters) == ("Trend", {"fast": 8, "slow": 20})
    assert LiveStrategy.objects.get().parameters == {"fast": 5, "slow": 20}


def test_editing_keeps_own_parameters_while_kinds_are_tried(alices_browser: Client, alice: User) -> None:
    url = f"{LIST}/{a_strategy(alice).pk}/edit"
    assert f'hx-get="{url}"' in alices_browser.get(url).content.decode()
    other = alices_browser.get(url, {"kind": "macd"}, headers=HTMX).content.decode()
    own = alices_browser.get(url, {"kind": "sma_crossover"}, headers=HTMX).content.decode()
    assert 'name="param_fast" value="12"' in other
    assert 'name="param_fast" value="5"' in own
