"""The glossary, the style guide and the overview of the settings."""

from dataclasses import fields

import pytest
from allauth.account.models import EmailAddress
from django.template import Context, Template
from django.test import Client
from pytest_django import Settings

from tradedesk.accounts.models import User
from tradedesk.core.metrics import Metrics
from tradedesk.glossary import TERMS
from tradedesk.templatetags.components import RATINGS, STATES, rating, state_light

# Those that need no explanation, and the one that has another key.
PLAIN = {"trades", "final_equity", "buy_and_hold_return", "days", "mean_r_multiple"}


def test_every_metric_is_in_the_glossary() -> None:
    assert {field.name for field in fields(Metrics)} - PLAIN <= TERMS.keys()
    assert all(term.name and term.text.endswith(".") for term in TERMS.values())


def test_the_components_have_words() -> None:
    assert [state_light(state)["label"] for state in STATES] == list(STATES.values())
    assert [rating(value)["label"] for value in RATINGS] == list(RATINGS.values())
    button = Template('{% load components %}{% term "sharpe" %}{% term "r_multiple" "R" %}').render(Context())
    assert ('data-term="sharpe">Sharpe ratio<' in button, 'data-term="r_multiple">R<' in button) == (True, True)
    with pytest.raises(KeyError):
        Template('{% load components %}{% term "nothing" %}').render(Context())


def test_the_glossary(alices_browser: Client, bobs_browser: Client, charlies_browser: Client) -> None:
    for browser in (alices_browser, bobs_browser):
        assert browser.get("/glossary.json").json()["terms"].keys() == TERMS.keys()
        assert browser.get("/glossary").content.decode().count("<dt") == len(TERMS) + 3  # and the top bar
    for url in ("/glossary", "/glossary.json", "/styleguide", "/settings"):
        assert charlies_browser.get(url).status_code == 302


def test_the_style_guide_is_for_developers(alices_browser: Client, settings: Settings) -> None:
    assert alices_browser.get("/styleguide").status_code == 404
    settings.DEBUG = True
    page = alices_browser.get("/styleguide")
    assert (page.status_code, "state-degraded" in page.content.decode()) == (200, True)


def test_the_overview_shows_the_users_own_profile(
    alice: User, alices_browser: Client, bobs_browser: Client
) -> None:
    EmailAddress.objects.update_or_create(
        user=alice, email=alice.email, defaults={"primary": True, "verified": True}
    )
    alices, bobs = (browser.get("/settings").content.decode() for browser in (alices_browser, bobs_browser))
    assert (alice.email in alices, alice.email in bobs) == (True, False)
    # Two factors are off, and each section has its state.
    assert 'href="/accounts/2fa/totp/activate/"' in alices
    assert "Split over the symbols" in alices
    for section in ("security", "tokens", "brokers", "notifications", "audit"):
        assert f'href="/settings/{section}"' in alices
