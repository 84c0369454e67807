from datetime import UTC, datetime

import pytest

from tradedesk.accounts.models import Notification, User, UserVersion
from tradedesk.accounts.services import count_unread, mark_all_read, notify

NOW = datetime(2012, 3, 5, 21, tzinfo=UTC)
LATER = datetime(2012, 3, 6, 21, tzinfo=UTC)


def test_a_notification_is_stored(alice: User) -> None:
    notify(alice, "success", "Bought 12 AAPL.", "/trades?mode=paper", NOW)
    stored = Notification.objects.get()
    assert (stored.user, stored.level, stored.text, stored.url) == (
        alice,
        Notification.Level.SUCCESS,
        "Bought 12 AAPL.",
        "/trades?mode=paper",
    )
    assert stored.created_at == NOW
    assert stored.read_at is None


def test_an_unknown_level_is_refused(alice: User) -> None:
    with pytest.raises(ValueError, match="loud"):
        notify(alice, "loud", "Bought 12 AAPL.", "", NOW)
    assert not Notification.objects.exists()


@pytest.mark.parametrize(("length", "kept"), [(500, 500), (501, 500), (5000, 500)])
def test_a_text_that_is_too_long_is_cut_and_ends_with_an_ellipsis(alice: User, length: int, kept: int) -> None:
    text = notify(alice, "info", "x" * length, "", NOW).text
    assert len(text) == kept
    assert text.endswith("…") == (length > 500)


def test_only_unread_notifications_of_the_user_are_counted(alice: User, bob: User) -> None:
    notify(alice, "info", "one", "", NOW)
    notify(alice, "info", "two", "", NOW)
    notify(bob, "info", "his", "", NOW)
    Notification.objects.filter(text="one").update(read_at=LATER)
    assert count_unread(alice) == 1


def test_only_notifications_of_the_user_up_to_the_given_id_are_marked(alice: User, bob: User) -> None:
    his = notify(bob, "info", "his", "", NOW)
    notify(alice, "info", "one", "", NOW)
    seen = notify(alice, "info", "two", "", NOW)
    notify(alice, "info", "newer", "", NOW)
    assert mark_all_read(alice, LATER, seen.pk) == 2
    assert list(alice.notifications.filter(read_at=None).values_list("text", flat=True)) == ["newer"]
    his.refresh_from_db()
    assert his.read_at is None


def test_the_first_reading_time_is_kept(alice: User) -> None:
    seen = notify(alice, "info", "one", "", NOW)
    mark_all_read(alice, NOW, seen.pk)
    assert mark_all_read(alice, LATER, seen.pk) == 0
    seen.refresh_from_db()
    assert seen.read_at == NOW


def test_the_users_version_increases_only_if_something_was_marked(alice: User) -> None:
    seen = notify(alice, "info", "one", "", NOW)
    UserVersion.objects.create(user=alice, number=7)
    mark_all_read(alice, NOW, seen.pk)
    mark_all_read(alice, NOW, seen.pk)
    assert UserVersion.objects.get().number == 8
