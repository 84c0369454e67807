from contextlib import suppress
from datetime import UTC, datetime

import pytest
from django.db import transaction

from tradedesk.accounts.models import User, UserVersion
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.models import Notification
from tradedesk.notifications.services import count_unread, mark_all_read, notify

NOW = datetime(2012, 3, 5, 21, tzinfo=UTC)
LATER = datetime(2012, 3, 6, 21, tzinfo=UTC)


def test_a_notification_is_stored(alice: User) -> None:
    notify(alice, Event.ORDER_FILLED, "Bought 12 AAPL.", "/trades?mode=paper", NOW)
    stored = Notification.objects.get()
    assert (stored.user, stored.event, stored.priority, stored.text, stored.url) == (
        alice,
        "order_filled",
        Priority.NORMAL,
        "Bought 12 AAPL.",
        "/trades?mode=paper",
    )
    assert stored.created_at == NOW
    assert stored.read_at is None


@pytest.mark.parametrize("priority", list(Priority))
def test_a_notification_may_have_a_priority_of_its_own(alice: User, priority: Priority) -> None:
    notify(alice, Event.ORDER_FILLED, "Bought 12 AAPL.", "", NOW, priority=priority)
    assert Notification.objects.get().priority == priority


def test_what_is_rolled_back_notifies_nobody(alice: User) -> None:
    with suppress(RuntimeError), transaction.atomic():
        notify(alice, Event.ORDER_FILLED, "Bought 12 AAPL.", "", NOW)
        raise RuntimeError
    assert not Notification.objects.exists()


@pytest.mark.parametrize(("length", "kept"), [(500, 500), (501, 500), (5000, 500)])
def test_a_text_that_is_too_long_is_cut_and_ends_with_an_ellipsis(alice: User, length: int, kept: int) -> None:
    text = notify(alice, Event.ORDER_FILLED, "x" * length, "", NOW).text
    assert len(text) == kept
    assert text.endswith("…") == (length > 500)


def test_only_unread_notifications_of_the_user_are_counted(alice: User, bob: User) -> None:
    notify(alice, Event.ORDER_FILLED, "one", "", NOW)
    notify(alice, Event.ORDER_FILLED, "two", "", NOW)
    notify(bob, Event.ORDER_FILLED, "his", "", NOW)
    Notification.objects.filter(text="one").update(read_at=LATER)
    assert count_unread(alice) == 1


def test_only_notifications_of_the_user_up_to_the_given_id_are_marked(alice: User, bob: User) -> None:
    his = notify(bob, Event.ORDER_FILLED, "his", "", NOW)
    notify(alice, Event.ORDER_FILLED, "one", "", NOW)
    seen = notify(alice, Event.ORDER_FILLED, "two", "", NOW)
    notify(alice, Event.ORDER_FILLED, "newer", "", NOW)
    assert mark_all_read(alice, LATER, seen.pk) == 2
    assert list(alice.notifications.filter(read_at=None).values_list("text", flat=True)) == ["newer"]
    his.refresh_from_db()
    assert his.read_at is None


def test_the_first_reading_time_is_kept(alice: User) -> None:
    seen = notify(alice, Event.ORDER_FILLED, "one", "", NOW)
    mark_all_read(alice, NOW, seen.pk)
    assert mark_all_read(alice, LATER, seen.pk) == 0
    seen.refresh_from_db()
    assert seen.read_at == NOW


def test_the_users_version_increases_only_if_something_was_marked(alice: User) -> None:
    seen = notify(alice, Event.ORDER_FILLED, "one", "", NOW)
    UserVersion.objects.create(user=alice, number=7)
    mark_all_read(alice, NOW, seen.pk)
    mark_all_read(alice, NOW, seen.pk)
    assert UserVersion.objects.get().number == 8
