"""The Start, Pause and Stop buttons."""

import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from livetrading.models import LiveStrategy
from tests.livetrading.factories import (
    make_live_strategy,
)
from tradedesk.accounts.models import User

HTMX = {"HX-Request": "true"}


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        ("active", "pause", "paused"),
        ("active", "stop", "stopped"),
        ("paused", "start", "active"),
        ("paused", "stop", "stopped"),
        ("stopped", "start", "active"),
    ],
)
def test_htmx_gets_the_changed_row(
    alices_browser: Client, alice: User, before: str, action: str, after: str
) -> None:
    live = make_live_strategy(user=alice, name="Turtle", status=before)
    response = alices_browser.post(reverse(f"livetrading:{action}", args=[live.pk]), headers=HTMX)
    page = response.content.decode()
    assert page.count("<tr") == 1
    assert f'id="live-strategy-{live.pk}"' in page
    assert f">{after.capitalize()}</span>" in page
    toast = json.loads(response.headers["HX-Trigger"])["toast"]
    assert toast == {"level": "success", "text": f"“Turtle” is {after}."}
    live.refresh_from_db()
    assert live.status == after


@pytest.mark.parametrize(
    ("status", "checked", "action"), [("active", "true", "pause"), ("paused", "false", "start")]
)
def test_the_list_beside_the_chart_has_a_switch(
    alices_browser: Client, alice: User, status: str, checked: str, action: str
) -> None:
    live = make_live_strategy(user=alice, status=status)
    page = " ".join(alices_browser.get("/dashboard/live-trading").content.decode().split())
    listed = page[page.index(f'id="listed-strategy-{live.pk}"') :]
    form = listed[: listed.index("</form>")]
    assert f'hx-post="{reverse(f"livetrading:{action}", args=[live.pk])}"' in form
    assert f'role="switch" aria-checked="{checked}"' in form


def test_without_htmx_the_response_redirects_to_the_page(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle")
    response = alices_browser.post(reverse("livetrading:pause", args=[live.pk]), follow=True)
    assert response.redirect_chain == [(f"/dashboard/live-trading/{live.pk}", 302)]
    assert "“Turtle” is paused." in response.content.decode()


def test_an_action_that_is_not_allowed_is_refused(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle", status="paused")
    response = alices_browser.post(reverse("livetrading:pause", args=[live.pk]), headers=HTMX)
    toast = json.loads(response.headers["HX-Trigger"])["toast"]
    assert toast["level"] == "warning"
    assert "“Turtle”" in toast["text"]


def test_the_start_of_an_identical_deployment_is_refused(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice, name="Turtle", status="paused")
    make_live_strategy(user=alice, fingerprint=live.fingerprint)
    response = alices_browser.post(reverse("livetrading:start", args=[live.pk]), headers=HTMX)
    assert json.loads(response.headers["HX-Trigger"])["toast"]["level"] == "warning"
    live.refresh_from_db()
    assert live.status == "paused"


def test_a_page_shows_the_buttons_of_the_allowed_actions(alices_browser: Client, alice: User) -> None:
    live = make_live_strategy(user=alice)
    expected = {"active": {"pause", "stop"}, "paused": {"start", "stop"}, "stopped": {"start"}}
    for status, actions in expected.items():
        LiveStrategy.objects.update(status=status)
        for url in ("/dashboard/live-trading", f"/dashboard/live-trading/{live.pk}"):
            page = alices_browser.get(url).content.decode()
            found = set(re.findall(rf'action="/dashboard/live-trading/{live.pk}/(\w+)"', page))
            assert found == actions
