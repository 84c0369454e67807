import re

import pytest
from django.test import Client

from livetrading.models import LiveStrategy
from strategies.models import Strategy
from tests.strategies.examples import a_deployment, a_strategy, element_text, page_text
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
    response = alices_browser.post(NEW, FILLED, follow=True)
    strategy = alice.strategies.get()
    assert response.redirect_chain == [(f"{LIST}/{strategy.pk}", 302)]
    assert strategy.parameters == {"fast": 5, "slow": 20}
    assert strategy.symbols == ["AAPL", "MSFT"]
    assert "Trend was saved." in page_text(response)
    assert response.context["bars_hint"] == ""


def test_symbols_without_bars_are_saved_with_a_hint(alices_browser: Client, alice: User, samples: None) -> None:
    response = alices_browser.post(NEW, {**FILLED, "symbols": "AAPL TSLA"}, follow=True)
    assert alice.strategies.get().symbols == ["AAPL", "TSLA"]
    hint = response.context["bars_hint"]
    assert "manage.py import_bars FILE --symbol TSLA --timeframe 1Day" in hint
    assert hint in page_text(response)


def test_a_link_can_select_the_kind(alices_browser: Client) -> None:
    html = alices_browser.get(NEW, {"kind": "rsi_mean_reversion"}).content.decode()
    assert '<option value="rsi_mean_reversion" selected>' in html
    assert 'name="param_oversold"' in html
    assert 'name="param_fast"' not in html
    assert alices_browser.get(NEW, {"kind": "astrology"}).status_code == 200


def test_selecting_a_kind_loads_only_its_fields(alices_browser: Client) -> None:
    html = alices_browser.get(NEW, {"kind": "macd"}, headers=HTMX).content.decode()
    assert "<form" not in html
    assert 'name="name"' not in html
    assert re.search(r'<input type="hidden" name="shown_kind" value="macd"', html)
    assert re.findall(r'name="(param_\w+)"', html) == ["param_fast", "param_slow", "param_signal"]
    whole = alices_browser.get(NEW).content.decode()
    assert re.search(rf'<select name="kind"[^>]*hx-get="{NEW}"', whole)
    assert 'hx-target="#kind-fields"' in whole
    assert 'id="kind-fields"' in whole


def test_without_javascript_sending_the_form_changes_the_kind(alices_browser: Client) -> None:
    values = {**FILLED, "kind": "macd", "name": "Half typed", "symbols": "??", "timeframe": "1Hour"}
    response = alices_browser.post(NEW, values)
    html = response.content.decode()
    assert response.status_code == 200
    assert not Strategy.objects.exists()
    assert 'value="Half typed"' in html
    assert 'value="??"' in html
    assert '<option value="1Hour" selected>' in html
    assert '<option value="macd" selected>' in html
    assert 'name="param_signal"' in html
    assert "errorlist" not in html
    assert re.search(r"<noscript>\s*<button", html)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"kind": "astrology", "shown_kind": "astrology"}, "kind"),
        ({"symbols": "A$"}, "symbols"),
        ({"timeframe": "1Year"}, "timeframe"),
        ({"param_fast": "ten"}, "param_fast"),
        ({"param_slow": "100000"}, "param_slow"),
        ({"param_fast": "30", "param_slow": "20"}, "__all__"),
    ],
)
def test_an_invalid_form_keeps_the_input(alices_browser: Client, values: dict[str, str], field: str) -> None:
    response = alices_browser.post(NEW, {**FILLED, **values})
    assert response.status_code == 200
    errors = response.context["form"].errors
    assert list(errors) == [field]
    assert errors[field][0] in page_text(response)
    assert not Strategy.objects.exists()
    for name in ("name", "symbols", "param_fast", "param_slow"):
        value = {**FILLED, **values}[name]
        assert re.search(rf'name="{name}" value="{re.escape(value)}"', response.content.decode()) or not value


def test_an_invalid_field_is_marked_for_screen_readers(alices_browser: Client) -> None:
    html = alices_browser.post(NEW, {**FILLED, "param_fast": "1"}).content.decode()
    field = re.search(r'<input[^>]*name="param_fast"[^>]*>', html)
    assert field
    assert 'aria-invalid="true"' in field[0]
    assert 'min="2"' in field[0]
    assert 'step="1"' in field[0]


def test_the_form_lists_the_available_bars(alices_browser: Client, samples: None) -> None:
    assert "1Day AAPL, FB, GOOG, IBM, MSFT" in element_text(alices_browser.get(NEW), 'id="available-bars"')


def test_editing_changes_the_strategy_and_not_its_deployment(alices_browser: Client, alice: User) -> None:
    strategy = a_strategy(alice)
    deployment = a_deployment(strategy)
    url = f"{LIST}/{strategy.pk}/edit"
    assert list(alices_browser.get(url).context["deployments"]) == [deployment]
    response = alices_browser.post(url, {**FILLED, "param_fast": "8"})
    assert response["Location"] == f"{LIST}/{strategy.pk}"
    strategy.refresh_from_db()
    assert (strategy.name, strategy.parameters) == ("Trend", {"fast": 8, "slow": 20})
    assert LiveStrategy.objects.get().parameters == {"fast": 5, "slow": 20}


def test_selecting_another_kind_and_back_keeps_the_parameters(alices_browser: Client, alice: User) -> None:
    url = f"{LIST}/{a_strategy(alice).pk}/edit"
    assert f'hx-get="{url}"' in alices_browser.get(url).content.decode()
    other = alices_browser.get(url, {"kind": "macd"}, headers=HTMX).content.decode()
    own = alices_browser.get(url, {"kind": "sma_crossover"}, headers=HTMX).content.decode()
    assert 'name="param_fast" value="12"' in other
    assert 'name="param_fast" value="5"' in own
