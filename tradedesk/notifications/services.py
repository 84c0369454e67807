"""Notifying a user, and marking notifications as read."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.models import Channel, Notification
from tradedesk.notifications.outbox.enqueue import choices_of, enqueue

TEXT_LENGTH = Notification._meta.get_field("text").max_length or 0


def notify(
    user: User,
    event: Event,
    text: str,
    url: str,
    now: datetime,
    *,
    priority: Priority | None = None,
    but: Channel | None = None,
) -> Notification:
    """Notify the user: a row in the inbox, and one in the outbox for each channel that gets the event. Nothing is
    sent here. What is rolled back notifies nobody, because the rows are written in the caller's transaction.

    now: market time. priority: that of the event, unless this notification needs another one. but: a channel that
    gets nothing. A text that is too long for the column is cut. At most four queries.
    """
    choices = choices_of(user.pk, event)
    rings = choices.get(None, True) or not event.can_be_muted
    with transaction.atomic(savepoint=False):
        notification = Notification.objects.create(
            user=user,
            event=event.value,
            priority=event.priority if priority is None else priority,
            text=_cut(text),
            url=url,
            created_at=now,
            # The inbox keeps everything; what the user does not want there does not ring the bell.
            read_at=None if rings else now,
        )
        enqueue(notification, event, choices, but=but)
    return notification


def count_unread(user: User) -> int:
    return user.notifications.filter(read_at=None).count()


def mark_all_read(user: User, wall_now: datetime, up_to: int) -> int:
    """Mark the user's unread notifications with ids up to `up_to`: newer ones were not on the page yet.

    Returns the number of marked notifications.
    """
    return _mark(user, user.notifications.filter(pk__lte=up_to), wall_now)


def mark_read(user: User, wall_now: datetime, ids: Collection[int]) -> int:
    """Mark these notifications, as far as they are the user's and unread. Returns their number."""
    return _mark(user, user.notifications.filter(pk__in=ids), wall_now)


def _mark(user: User, notifications: "QuerySet[Notification]", wall_now: datetime) -> int:
    marked = notifications.filter(read_at=None).update(read_at=wall_now)
    if marked:
        bump_version(user.pk)
    return marked


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 1] + "…"
