import re
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tradedesk.accounts.models import User
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.models import Notification
from tradedesk.notifications.services import count_unread, mark_read, notify
from tradedesk.notifications.views.inbox import PAGE_SIZE

URL = "/dashboard/notifications"
READ = "/dashboard/notifications/read"
SHOWN = "/dashboard/notifications/shown"
NOW = datetime(2012, 3, 5, 21, tzinfo=UTC)


def notify_many(user: User, count: int) -> list[Notification]:
    return [
        notify(user, Event.ORDER_FILLED, f"Note {number} of {user}.", "", NOW) for number in range(1, count + 1)
    ]


def test_the_addresses_of_the_pages() -> None:
    assert reverse("notifications:inbox") == URL
    assert reverse("notifications:mark_read") == READ


def test_a_user_sees_only_own_notifications_newest_first(alices_browser: Client, alice: User, bob: User) -> None:
    notify_many(alice, 2)
    notify_many(bob, 1)
    page = alices_browser.get(URL).content.decode()
    assert 0 < page.index("Note 2 of alice@example.com.") < page.index("Note 1 of alice@example.com.")
    assert "bob@example.com" not in page


def test_times_are_new_york_time(alices_browser: Client, alice: User) -> None:
    notify_many(alice, 1)
    assert ">2012-03-05 16:00</time>" in alices_browser.get(URL).content.decode()


def test_a_text_is_escaped(alices_browser: Client, alice: User) -> None:
    notify(alice, Event.ORDER_FILLED, "<script>alert(1)</script>", "", NOW)
    assert "<script>alert(1)" not in alices_browser.get(URL).content.decode()


def test_an_empty_list_has_a_hint_and_no_button(alices_browser: Client) -> None:
    page = alices_browser.get(URL).content.decode()
    assert 'class="empty"' in page
    assert 'name="up_to"' not in page


def test_a_long_list_has_pages(alices_browser: Client, alice: User) -> None:
    notify_many(alice, PAGE_SIZE + 1)
    first = alices_browser.get(URL).content.decode()
    second = alices_browser.get(URL, {"page": 2}).content.decode()
    assert "Note 1 of" not in first
    assert 'href="?page=2"' in first
    assert "Note 1 of" in second
    assert "Note 2 of" not in second


@pytest.mark.parametrize(("page", "shown"), [("abc", "Page 1 of 2"), ("99", "Page 2 of 2"), ("-1", "Page 2 of 2")])
def test_a_page_number_that_does_not_exist_gives_the_nearest_page(
    alices_browser: Client, alice: User, page: str, shown: str
) -> None:
    notify_many(alice, PAGE_SIZE + 1)
    assert shown in alices_browser.get(URL, {"page": page}).content.decode()


def test_the_number_of_queries_is_constant(alices_browser: Client, alice: User) -> None:
    counts = []
    for more in (1, PAGE_SIZE - 1, PAGE_SIZE):  # one, a page, and two pages
        notify_many(alice, more)
        with CaptureQueriesContext(connection) as queries:
            alices_browser.get(URL)
        counts.append(len(queries))
    assert counts == [counts[0]] * 3


def test_mark_all_read_marks_only_what_is_on_the_page(alices_browser: Client, alice: User, bob: User) -> None:
    seen = notify_many(alice, 3)
    notify_many(bob, 1)
    newer = notify(alice, Event.ORDER_FILLED, "Newer.", "", NOW)
    answer = alices_browser.post(READ, {"up_to": seen[-1].pk})
    assert answer.status_code == 302
    assert answer["Location"] == URL
    assert list(alice.notifications.filter(read_at=None)) == [newer]
    assert count_unread(bob) == 1


def test_the_form_has_the_id_of_the_newest_notification(alices_browser: Client, alice: User) -> None:
    newest = notify_many(alice, 2)[-1]
    assert f'name="up_to" value="{newest.pk}"' in alices_browser.get(URL).content.decode()


@pytest.mark.parametrize("up_to", [None, "", "all", "0", "-5", "1.5"])
def test_an_invalid_id_is_refused_and_nothing_is_marked(
    alices_browser: Client, alice: User, up_to: str | None
) -> None:
    notify_many(alice, 1)
    answer = alices_browser.post(READ, {} if up_to is None else {"up_to": up_to})
    assert answer.status_code == 400
    assert count_unread(alice) == 1


def test_an_id_too_large_for_the_database_marks_all(alices_browser: Client, alice: User) -> None:
    notify_many(alice, 1)
    assert alices_browser.post(READ, {"up_to": str(10**30)}).status_code == 302
    assert count_unread(alice) == 0


def test_marking_by_get_is_refused(alices_browser: Client) -> None:
    assert alices_browser.get(READ).status_code == 405


def test_a_post_without_a_csrf_token_is_refused(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    seen = notify_many(alice, 1)
    answer = browser.post(READ, {"up_to": seen[0].pk})
    assert answer.status_code == 403
    assert count_unread(alice) == 1


@pytest.mark.parametrize("url", [URL, READ, SHOWN, "/dashboard/status"])
def test_charlie_is_sent_to_the_log_in(charlies_browser: Client, url: str) -> None:
    answer = charlies_browser.get(url)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={url}"


def test_what_an_open_page_shows_becomes_read(alices_browser: Client, alice: User, bob: User) -> None:
    notify_many(alice, PAGE_SIZE + 3)
    (his,) = notify_many(bob, 1)
    page = alices_browser.get(URL).content.decode()
    shown = re.findall(r'name="id" value="(\d+)"', page)
    assert len(shown) == PAGE_SIZE
    assert count_unread(alice) == PAGE_SIZE + 3  # a prefetched page is not a read one
    assert alices_browser.post(SHOWN, {"id": [*shown, his.pk]}).content == b""
    assert (count_unread(alice), count_unread(bob)) == (3, 1)
    assert f'hx-post="{SHOWN}"' not in alices_browser.get(URL).content.decode()


@pytest.mark.parametrize("ids", [["all"], ["-1"], ["1.5"], ["9" * 30], ["²"], ["1"] * 201])
def test_invalid_ids_are_refused(alices_browser: Client, ids: list[str]) -> None:
    assert alices_browser.post(SHOWN, {"id": ids}).status_code == 400


FILTERS = [
    ({"event": "halt"}, {"Stopped", "Resumed"}),
    ({"priority": "critical"}, {"Stopped"}),
    ({"unread": "on"}, {"Stopped", "Filled"}),
    ({"event": "halt", "unread": "on"}, {"Stopped"}),
    ({"event": "deployed"}, set()),
    # An invalid filter is ignored.
    ({"event": "comet", "priority": "loud"}, {"Stopped", "Resumed", "Filled"}),
]


@pytest.mark.parametrize(("filters", "found"), FILTERS)
def test_filters(alices_browser: Client, alice: User, filters: dict[str, str], found: set[str]) -> None:
    notify(alice, Event.HALT, "Stopped", "", NOW, priority=Priority.CRITICAL)
    notify(alice, Event.ORDER_FILLED, "Filled", "", NOW)
    resumed = notify(alice, Event.HALT, "Resumed", "", NOW)
    mark_read(alice, NOW, [resumed.pk])
    page = alices_browser.get(URL, filters).content.decode()
    assert {text for text in ("Stopped", "Resumed", "Filled") if f"{text}\n" in page} == found
    assert ("Select a valid choice" in page) == (filters.get("event") == "comet")


def test_pages_keep_the_filters(alices_browser: Client, alice: User) -> None:
    notify_many(alice, PAGE_SIZE + 1)
    page = alices_browser.get(URL, {"event": "order_filled"}).content.decode()
    assert "event=order_filled&amp;page=2" in page


@pytest.mark.parametrize(
    ("priority", "word", "shape"),
    [
        (Priority.LOW, "Low", "▽"),
        (Priority.NORMAL, "Normal", "●"),
        (Priority.HIGH, "High", "▲"),
        (Priority.CRITICAL, "Critical", "◆"),
    ],
)
def test_a_priority_has_a_word_and_a_shape(
    alices_browser: Client, alice: User, priority: Priority, word: str, shape: str
) -> None:
    notify(alice, Event.HALT, "Text.", "", NOW, priority=priority)
    page = alices_browser.get(URL).content.decode()
    assert re.search(rf'<span aria-hidden="true">{shape}</span>\s*{word}', page)
