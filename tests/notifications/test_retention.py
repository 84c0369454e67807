"""What is old is deleted, some rows at a time."""

from datetime import timedelta

import pytest

from tests.notifications.factories import WALL, make_channel, tell
from tradedesk.accounts.models import User
from tradedesk.notifications import retention
from tradedesk.notifications.models import Delivery, Notification
from tradedesk.notifications.retention import delete_old


def test_the_newest_notifications_of_each_user_stay(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "KEPT", 3)
    monkeypatch.setattr(retention, "ROWS", 2)
    rows = [tell(alice, str(number)) for number in range(8)]
    tell(bob)
    delete_old(WALL)
    assert alice.notifications.count() == 6  # two at a time
    for _ in range(3):
        delete_old(WALL)
    assert list(alice.notifications.all()) == rows[:4:-1]
    assert bob.notifications.count() == 1


@pytest.mark.parametrize(
    ("state", "days", "stays"),
    [
        ("sent", 6, True), ("sent", 8, False), ("failed", 29, True), ("failed", 31, False), ("pending", 400, True),
    ],
)  # fmt: skip
def test_the_outbox_keeps_what_was_sent_a_week_and_what_failed_a_month(
    alice: User, state: str, days: int, stays: bool
) -> None:
    make_channel(alice)
    tell(alice)
    finished = None if state == "pending" else WALL - timedelta(days=days)
    Delivery.objects.update(state=state, finished_at=finished)
    delete_old(WALL)
    assert Delivery.objects.exists() == stays
    assert Notification.objects.count() == 1
