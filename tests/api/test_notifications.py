"""The inbox in the API."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.client import ApiClient, field_messages
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.models import Notification
from tradedesk.notifications.services import count_unread, notify

URL = "/api/v1/notifications"
NOW = datetime(2012, 3, 5, 21, tzinfo=UTC)


@pytest.fixture
def inbox(alice: User, bob: User) -> list[Notification]:
    notify(bob, Event.HALT, "His.", "", NOW)
    return [
        notify(alice, Event.ORDER_FILLED, "Bought 10 AAPL.", "/trades?mode=paper", NOW),
        notify(alice, Event.HALT, "Stopped.", "", NOW, priority=Priority.CRITICAL),
        notify(alice, Event.HALT, "Resumed.", "", NOW),
    ]


def test_the_newest_is_first_with_all_fields(alices: ApiClient, inbox: list[Notification]) -> None:
    response = alices.get(URL)
    assert (response.status, response.json["count"]) == (200, 3)
    assert response.json["items"][2] == {
        "id": inbox[0].pk,
        "event": "order_filled",
        "label": "Order filled",
        "priority": "normal",
        "text": "Bought 10 AAPL.",
        "url": "/trades?mode=paper",
        "created_at": "2012-03-05T21:00:00Z",
        "read_at": None,
    }


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("event=halt", ["Resumed.", "Stopped."]),
        ("priority=critical", ["Stopped."]),
        ("event=halt&priority=high", ["Resumed."]),
        ("unread=true&event=deployed", []),
        ("limit=1&offset=1", ["Stopped."]),
    ],
)
def test_filters_and_pages(alices: ApiClient, inbox: list[Notification], query: str, texts: list[str]) -> None:
    assert [item["text"] for item in alices.get(f"{URL}?{query}").json["items"]] == texts


@pytest.mark.parametrize("query", ["event=comet", "priority=loud", "unread=perhaps", "limit=0", "limit=201"])
def test_an_invalid_filter_is_refused(alices: ApiClient, query: str) -> None:
    assert field_messages(alices.get(f"{URL}?{query}")).keys() == {query.partition("=")[0]}


def test_reading_some_and_all(alices: ApiClient, alice: User, bob: User, inbox: list[Notification]) -> None:
    his = bob.notifications.get()
    # An id is a number or its digits.
    response = alices.post(f"{URL}/read", {"ids": [inbox[1].pk, str(inbox[0].pk), his.pk, 10**15]})
    assert (response.status, response.json) == (200, {"marked": 2, "unread": 1})
    assert [item["text"] for item in alices.get(f"{URL}?unread=true").json["items"]] == ["Resumed."]
    assert alices.post(f"{URL}/read", {"up_to": str(inbox[2].pk)}).json == {"marked": 1, "unread": 0}
    assert (count_unread(alice), count_unread(bob)) == (0, 1)


@pytest.mark.parametrize(
    "body",
    [{}, {"ids": [1], "up_to": 2}, {"ids": [0]}, {"ids": ["x"]}, {"ids": list(range(1, 202))}, {"up_to": -1}, [1]],
)
def test_a_bad_body_is_refused_and_nothing_is_marked(
    alices: ApiClient, alice: User, inbox: list[Notification], body: Any
) -> None:
    assert alices.post(f"{URL}/read", body).status == 422
    assert count_unread(alice) == 3


def test_charlie_is_refused(charlies: ApiClient) -> None:
    assert (charlies.get(URL).status, charlies.post(f"{URL}/read", {"up_to": 1}).status) == (401, 401)
