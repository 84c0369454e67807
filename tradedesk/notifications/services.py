"""Notifying a user, and marking notifications as read."""

from datetime import datetime

from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.notifications.events import Event, Priority
from tradedesk.notifications.models import Notification

TEXT_LENGTH = Notification._meta.get_field("text").max_length or 0


def notify(
    user: User, event: Event, text: str, url: str, now: datetime, *, priority: Priority | None = None
) -> Notification:
    """Notify the user, in the transaction of the caller: what is rolled back notifies nobody.

    now: market time. priority: that of the event, unless this notification needs another one. A text that is too
    long for the column is cut.
    """
    return Notification.objects.create(
        user=user,
        event=event.value,
        priority=event.priority if priority is None else priority,
        text=_cut(text),
        url=url,
        created_at=now,
    )


def count_unread(user: User) -> int:
    return user.notifications.filter(read_at=None).count()


def mark_all_read(user: User, wall_now: datetime, up_to: int) -> int:
    """Mark the user's unread notifications with ids up to `up_to`: newer ones were not on the page yet.

    Returns the number of marked notifications.
    """
    marked = user.notifications.filter(read_at=None, pk__lte=up_to).update(read_at=wall_now)
    if marked:
        bump_version(user.pk)
    return marked


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 1] + "…"
