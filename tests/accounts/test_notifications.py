from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from tradedesk.accounts.models import Notification, User
from tradedesk.accounts.services import count_unread, notify
from tradedesk.accounts.views import PAGE_SIZE

URL = "/dashboard/notifications"
READ = "/dashboard/notifications/read"
NOW = datetime(2012, 3, 5, 21, tzinfo=UTC)


def tell(user: User, count: int) -> list[Notification]:
    return [notify(user, "info", f"Note {number} of {user}.", "", NOW) for number in range(1, count + 1)]


def test_the_addresses() -> None:
    assert reverse("accounts:notifications") == URL
    assert reverse("accounts:notifications_read") == READ


def test_it_shows_the_users_own_newest_first(alices_browser: Client, alice: User, bob: User) -> None:
    tell(alice, 2)
    tell(bob, 1)
    page = alices_browser.get(URL).content.decode()
    assert 0 < page.index("Note 2 of alice@example.com.") < page.index("Note 1 of alice@example.com.")
    assert "bob@example.com" not in page


def test_it_shows_new_york_time(alices_browser: Client, alice: User) -> None:
    tell(alice, 1)
    assert ">2012-03-05 16:00</time>" in alices_browser.get(URL).content.decode()


def test_a_text_is_escaped(alices_browser: Client, alice: User) -> None:
    notify(alice, "info", "<script>alert(1)</script>", "", NOW)
    assert "<script>alert(1)" not in alices_browser.get(URL).content.decode()


def test_an_empty_list_says_what_will_come(alices_browser: Client) -> None:
    page = alices_browser.get(URL).content.decode()
    assert "Nothing yet" in page
    assert "Mark all read" not in page


def test_long_lists_are_paged(alices_browser: Client, alice: User) -> None:
    tell(alice, PAGE_SIZE + 1)
    first = alices_browser.get(URL).content.decode()
    second = alices_browser.get(URL, {"page": 2}).content.decode()
    assert "Note 1 of" not in first
    assert 'href="?page=2"' in first
    assert "Note 1 of" in second
    assert "Note 2 of" not in second


@pytest.mark.parametrize(("page", "shown"), [("abc", "Page 1 of 2"), ("99", "Page 2 of 2"), ("-1", "Page 2 of 2")])
def test_a_page_that_does_not_exist_gives_the_nearest(
    alices_browser: Client, alice: User, page: str, shown: str
) -> None:
    tell(alice, PAGE_SIZE + 1)
    assert shown in alices_browser.get(URL, {"page": page}).content.decode()


def test_the_number_of_queries_does_not_grow(
    alices_browser: Client, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    tell(alice, PAGE_SIZE)
    # Session, user, the replay's state, the count of the list, its rows, and the unread for heading and bell.
    with django_assert_max_num_queries(7):
        alices_browser.get(URL)


def test_mark_all_read_marks_what_was_on_the_page(alices_browser: Client, alice: User, bob: User) -> None:
    seen = tell(alice, 3)
    tell(bob, 1)
    since = notify(alice, "info", "Came since.", "", NOW)
    answer = alices_browser.post(READ, {"up_to": seen[-1].pk})
    assert answer.status_code == 302
    assert answer["Location"] == URL
    assert list(alice.notifications.filter(read_at=None)) == [since]
    assert count_unread(bob) == 1


def test_the_form_on_the_page_carries_the_newest(alices_browser: Client, alice: User) -> None:
    newest = tell(alice, 2)[-1]
    assert f'name="up_to" value="{newest.pk}"' in alices_browser.get(URL).content.decode()


@pytest.mark.parametrize("up_to", [None, "", "all", "0", "-5", "1.5"])
def test_a_bad_number_is_refused_and_nothing_is_marked(
    alices_browser: Client, alice: User, up_to: str | None
) -> None:
    tell(alice, 1)
    answer = alices_browser.post(READ, {} if up_to is None else {"up_to": up_to})
    assert answer.status_code == 400
    assert b"up_to" in answer.content
    assert count_unread(alice) == 1


def test_a_number_too_large_for_the_database_marks_all(alices_browser: Client, alice: User) -> None:
    tell(alice, 1)
    assert alices_browser.post(READ, {"up_to": str(10**30)}).status_code == 302
    assert count_unread(alice) == 0


def test_reading_by_get_is_refused(alices_browser: Client) -> None:
    assert alices_browser.get(READ).status_code == 405


def test_a_post_without_a_token_is_refused(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    seen = tell(alice, 1)
    answer = browser.post(READ, {"up_to": seen[0].pk})
    assert answer.status_code == 403
    assert b"This form is out of date" in answer.content
    assert count_unread(alice) == 1


@pytest.mark.parametrize("url", [URL, READ, "/dashboard/status"])
def test_strangers_are_sent_to_the_login(charlies_browser: Client, url: str) -> None:
    answer = charlies_browser.get(url)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={url}"
