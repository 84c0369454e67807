"""The frame of every page: top bar, status, security headers; and the error pages."""

import re
from datetime import UTC, datetime

import pytest
from django.template.loader import render_to_string
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tradedesk.accounts.models import Mode, User
from tradedesk.marketdata.replay import ensure_started
from tradedesk.notifications.events import Event
from tradedesk.notifications.services import notify

PAGE = "/dashboard/notifications"
STATUS = "/dashboard/status"
NOW = datetime(2012, 3, 5, 21, tzinfo=UTC)


def test_the_status_shows_market_mode_and_unread_notifications(alices_browser: Client, alice: User) -> None:
    ensure_started(NOW)
    notify(alice, Event.ORDER_FILLED, "one", "", NOW)
    for url in (PAGE, STATUS):
        shown = alices_browser.get(url).content.decode()
        assert re.search(r"Replay market · \d{4}-\d\d-\d\d · 1 session = 5 s", shown)
        assert "PAPER" in shown
        assert "Notifications, 1 unread" in shown


def test_the_status_shows_live_mode(alices_browser: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(mode=Mode.LIVE)
    shown = alices_browser.get(STATUS).content.decode()
    assert "mode-live" in shown
    assert "LIVE" in shown
    assert "PAPER" not in shown


def test_the_bell_counts_to_99(alices_browser: Client, alice: User) -> None:
    for number in range(100):
        notify(alice, Event.ORDER_FILLED, str(number), "", NOW)
    assert "99+" in alices_browser.get(STATUS).content.decode()


def test_the_status_refreshes_itself_and_costs_nine_queries(
    alices_browser: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    # Session, user, the replay and who controls it, the halt, the strategies, the trouble of the desk and of the
    # user, the unread.
    with django_assert_max_num_queries(9):
        shown = alices_browser.get(STATUS).content.decode()
    assert shown.count("<html") == 0
    assert f'hx-get="{STATUS}"' in shown
    # The counts of the side bar and the health at its foot are swapped out of band.
    swapped = re.findall(r'id="([^"]*)"[^>]*hx-swap-oob="true"', shown)
    assert swapped == ["nav-running", "nav-unread", "desk-health"]


def test_a_page_reads_its_frame_once(
    alices_browser: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    """The top bar and the side bar show the same. The page itself reads the broker accounts, the channels and the
    defaults, one query each."""
    notify(alice, Event.ORDER_FILLED, "one", "", NOW)
    with django_assert_max_num_queries(17):
        shown = alices_browser.get("/settings").content.decode()
    assert re.search(r'id="nav-unread"\s+class="side-count"\s*>1</span>', shown)


def test_the_navigation_marks_the_current_page(alices_browser: Client) -> None:
    shown = alices_browser.get("/dashboard/strategies").content.decode()
    marked = re.findall(r'<a href="([^"]*)"[^>]*aria-current="page"', shown)
    assert marked == ["/dashboard/strategies"]


@pytest.mark.parametrize("url", [PAGE, "/accounts/password/change/", "/accounts/email/", "/nowhere"])
def test_no_page_has_inline_scripts_or_styles(alices_browser: Client, url: str) -> None:
    _assert_nothing_inline(alices_browser.get(url).content.decode())


@pytest.mark.parametrize("url", ["/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/nowhere"])
def test_no_page_without_log_in_has_inline_scripts_or_styles(charlies_browser: Client, url: str) -> None:
    shown = charlies_browser.get(url).content.decode()
    _assert_nothing_inline(shown)
    # Without a login there is no event stream and no menu.
    assert "sse-connect" not in shown
    assert "hx-get" not in shown
    assert 'id="user-menu"' not in shown


def test_scripts_and_styles_may_come_only_from_the_desk(charlies_browser: Client) -> None:
    policy = charlies_browser.get("/accounts/login/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy


def test_htmx_sends_the_csrf_token_of_the_page(alices_browser: Client) -> None:
    shown = alices_browser.get(PAGE).content.decode()
    assert re.search(r"hx-headers='\{\"X-CSRFToken\": \"\w{64}\"\}'", shown)


def test_an_unknown_address_is_not_found(alices_browser: Client) -> None:
    assert alices_browser.get("/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("template", "heading"),
    [
        ("400.html", "Invalid request"),
        ("403.html", "No permission"),
        ("403_csrf.html", "This form has expired"),
        ("404.html", "Page not found"),
        ("500.html", "Internal error"),
        ("503.html", "The database cannot be used"),
    ],
)
def test_every_error_page_has_its_heading_and_needs_no_request(template: str, heading: str, db: None) -> None:
    shown = render_to_string(template)
    assert f"<h1>{heading}</h1>" in shown
    _assert_nothing_inline(shown)


def _assert_nothing_inline(shown: str) -> None:
    assert "<html" in shown
    # A block of data is no script.
    assert not re.search(r"<script(?![^>]*(\bsrc=|application/json))", shown)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|hx-on", shown)
