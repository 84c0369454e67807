"""The controls of the replay on the pages: Alice alone, Alice with Bob, an operator, Charlie logged out."""

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from tests.livetrading.factories import TODAY, WALL, at_day, make_paper_trade, make_strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.pacing import Play
from tradedesk.marketdata.replay import replay_state
from tradedesk.marketdata.samples import LAST_SESSION
from tradedesk.marketdata.services import load_samples

MENU, STATUS = "/dashboard/replay", "/dashboard/status"
CONTROL, JUMP, RESTART = f"{MENU}/control", f"{MENU}/jump", f"{MENU}/restart"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _market(db: None, settings: Any) -> None:
    settings.REPLAY_START = "2010-01-04"
    at_day(TODAY)


def shown(browser: Client, url: str = STATUS, **headers: str) -> str:
    return " ".join(browser.get(url, headers=headers).content.decode().split())


def test_the_addresses() -> None:
    names = ("replay", "replay_control", "replay_jump", "replay_restart")
    assert [reverse(f"livetrading:{name}") for name in names] == [MENU, CONTROL, JUMP, RESTART]


def test_every_page_has_the_time_and_the_buttons(alices_browser: Client) -> None:
    for page in (shown(alices_browser), shown(alices_browser, "/dashboard/strategies")):
        assert '<span class="market-weekday">Mon</span> 2010-03-08 16:00' in page
        assert page.count('name="action"') == 3
        assert 'name="action" value="1" aria-pressed="true"' in page
        assert "disabled" not in page.partition('id="market-controls"')[2].partition("</form>")[0]


def test_the_buttons_return_the_controls(alices_browser: Client) -> None:
    for action, state, speed in (("10", "playing", 10), ("pause", "paused", 10), ("1", "playing", 1)):
        response = alices_browser.post(CONTROL, {"action": action}, headers=HTMX)
        assert response.status_code == 200
        assert f'value="{action}"' in response.content.decode()
        play = replay_state().play
        assert (play.speed, "paused" if play.stands else "playing") == (speed, state)
    assert alices_browser.post(CONTROL, {"action": "pause"}).headers["Location"] == MENU
    for action in ("", "2", "stop"):
        assert alices_browser.post(CONTROL, {"action": action}).status_code == 400
    assert alices_browser.get(CONTROL).status_code == 405


def test_a_jump_by_the_form(alices_browser: Client) -> None:
    response = alices_browser.post(JUMP, {"day": "2010-04-01"}, headers={"Referer": "http://testserver/trades"})
    assert (response.status_code, response.headers["Location"]) == (302, "http://testserver/trades")
    assert replay_state().play.jump_to == date(2010, 4, 1)
    assert "running to 2010-04-01" in shown(alices_browser)


@pytest.mark.parametrize("day", ["", "soon", "2010-01-04", "1999-01-01", "9999-12-31"])
def test_a_date_that_cannot_be_jumped_to_is_an_error_at_the_field(alices_browser: Client, day: str) -> None:
    response = alices_browser.post(JUMP, {"day": day})
    assert response.status_code == 422
    assert response.context["jump_form"].errors["day"]
    assert replay_state().play.jump_to is None


def test_a_restart_asks_with_the_numbers_first(alice: User, alices_browser: Client) -> None:
    make_paper_trade(user=alice)
    assert "1 trade (1 open)" in shown(alices_browser, MENU)
    assert "<html" not in shown(alices_browser, MENU, **HTMX)
    for values, field in (({}, "confirm"), ({"confirm": "RESTART", "start": "1999-01-01"}, "start")):
        response = alices_browser.post(RESTART, values)
        assert response.status_code == 422
        assert response.context["restart_form"].errors[field]
    assert replay_state().session == TODAY
    response = alices_browser.post(RESTART, {"confirm": "RESTART", "start": "2011-07-04"})
    assert response.headers["Location"] == "/dashboard"
    assert replay_state().session == date(2011, 7, 5)
    assert 'name="confirm"' not in shown(alices_browser, MENU)


def test_with_another_user_nobody_but_an_operator_may(alice: User, bobs_browser: Client, bob: User) -> None:
    page = shown(bobs_browser).partition('id="market-controls"')[2].partition("</form>")[0]
    assert page.count("disabled") == 3
    assert "only an operator controls it" in page
    assert "disabled data-submit-once" in shown(bobs_browser, MENU)
    for url, values in ((CONTROL, {"action": "pause"}), (JUMP, {"day": "2010-04-01"}), (RESTART, {})):
        assert bobs_browser.post(url, values).status_code == 302
    response = bobs_browser.post(CONTROL, {"action": "pause"}, headers=HTMX)
    assert "only an operator" in response.headers["HX-Trigger"]
    assert (replay_state().play, replay_state().session) == (Play(), TODAY)
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bobs_browser.post(CONTROL, {"action": "pause"})
    assert replay_state().play.stands


def test_charlie_controls_nothing(charlies_browser: Client) -> None:
    for url in (MENU, CONTROL, JUMP, RESTART):
        response = charlies_browser.post(url, {"action": "pause", "day": "2010-04-01"})
        assert response.status_code == 302
        assert response.headers["Location"].startswith(reverse("account_login"))
    assert 'name="action"' not in shown(charlies_browser, "/accounts/login/")
    assert replay_state().play == Play()


def test_on_the_real_market_there_is_only_the_line(alices_browser: Client, settings: Any) -> None:
    settings.MARKET = "real"
    assert "market-controls" not in shown(alices_browser)
    assert alices_browser.get(MENU).status_code == 404


def test_the_end_is_said_and_deploying_is_refused_with_the_reason(alice: User, alices_browser: Client) -> None:
    load_samples(WALL)
    ReplayMarket.objects.update(session=LAST_SESSION, ended=True)
    page = shown(alices_browser)
    assert "The replay ended on 2013-03-01" in page
    assert page.count("disabled") == 3
    strategy = make_strategy(user=alice)
    values = {"source": f"strategy:{strategy.pk}", "deploy_key": "one"}
    response = alices_browser.post("/dashboard/live-trading/deploy", values, follow=True)
    assert "no session follows, so nothing would trade" in response.content.decode()
    assert not alice.live_strategies.exists()
