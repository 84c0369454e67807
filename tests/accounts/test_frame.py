"""What every page has around it."""

import re
from datetime import UTC, datetime

import pytest
from django.template.loader import render_to_string
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tradedesk.accounts.models import Mode, User
from tradedesk.accounts.services import notify
from tradedesk.marketdata.replay import ensure_started

PAGE = "/dashboard/notifications"
STATUS = "/dashboard/status"
NOW = datetime(2012, 3, 5, 21, tzinfo=UTC)


def test_it_names_the_market_the_mode_and_the_unread(alices_browser: Client, alice: User) -> None:
    ensure_started(NOW)
    notify(alice, "info", "one", "", NOW)
    for url in (PAGE, STATUS):
        shown = alices_browser.get(url).content.decode()
        assert re.search(r"Replay market · \d{4}-\d\d-\d\d · 1 session = 2 s", shown)
        assert "PAPER" in shown
        assert "Notifications, 1 unread" in shown


def test_the_live_mode_is_said_in_words(alices_browser: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(mode=Mode.LIVE)
    shown = alices_browser.get(STATUS).content.decode()
    assert "LIVE" in shown
    assert "Orders move real money" in shown
    assert "PAPER" not in shown


def test_a_hundred_unread_are_many(alices_browser: Client, alice: User) -> None:
    for number in range(100):
        notify(alice, "info", str(number), "", NOW)
    assert "99+" in alices_browser.get(STATUS).content.decode()


def test_the_status_refreshes_itself_and_costs_four_queries(
    alices_browser: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    # Session, user, the replay's state, the unread.
    with django_assert_max_num_queries(4):
        shown = alices_browser.get(STATUS).content.decode()
    assert shown.count("<html") == 0
    assert f'hx-get="{STATUS}"' in shown


def test_it_marks_the_page_that_is_open(alices_browser: Client) -> None:
    shown = alices_browser.get("/dashboard/strategies").content.decode()
    marked = re.findall(r'<a href="([^"]*)" aria-current="page">', shown)
    # Once in the bar and once in the menu of small screens.
    assert marked == ["/dashboard/strategies"] * 2


@pytest.mark.parametrize("url", [PAGE, "/accounts/password/change/", "/accounts/email/", "/nowhere"])
def test_no_page_carries_inline_script_or_style(alices_browser: Client, url: str) -> None:
    _assert_nothing_inline(alices_browser.get(url).content.decode())


@pytest.mark.parametrize("url", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/nowhere"])
def test_no_page_of_a_stranger_carries_inline_script_or_style(charlies_browser: Client, url: str) -> None:
    shown = charlies_browser.get(url).content.decode()
    _assert_nothing_inline(shown)
    # A stranger has no stream of events and no menu.
    assert "sse-connect" not in shown
    assert "hx-get" not in shown
    assert "Account menu" not in shown


def test_only_its_own_origin_may_run_or_style(charlies_browser: Client) -> None:
    policy = charlies_browser.get("/accounts/login/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy


def test_htmx_sends_the_token_of_the_page(alices_browser: Client) -> None:
    shown = alices_browser.get(PAGE).content.decode()
    assert re.search(r"hx-headers='\{\"X-CSRFToken\": \"\w{64}\"\}'", shown)


def test_a_page_that_is_not_there_says_so(alices_browser: Client) -> None:
    answer = alices_browser.get("/nowhere")
    assert answer.status_code == 404
    assert b"There is nothing here" in answer.content


def test_the_page_of_a_broken_desk_needs_no_request() -> None:
    shown = render_to_string("500.html")
    assert "Something broke on our side" in shown
    _assert_nothing_inline(shown)


def _assert_nothing_inline(shown: str) -> None:
    assert "<html" in shown
    assert not re.search(r"<script(?![^>]*\bsrc=)", shown)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on", shown)
