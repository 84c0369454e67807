"""Creating notifications, and marking them as read."""

from datetime import datetime

from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import Notification, User

TEXT_LENGTH = Notification._meta.get_field("text").max_length or 0


def notify(user: User, level: Notification.Level | str, text: str, url: str, now: datetime) -> Notification:
    """Store a notification for the user. now: market time. A text that is too long for the column is cut.

    Raises ValueError for an unknown level.
    """
    return Notification.objects.create(
        user=user, level=Notification.Level(level), text=_cut(text), url=url, created_at=now
    )


def count_unread(user: User) -> int:
    return user.notifications.filter(read_at=None).count()


def mark_all_read(user: User, now: datetime, up_to: int) -> int:
    """Mark the user's unread notifications with ids up to `up_to`: newer ones were not on the page yet.

    Returns the number of marked notifications.
    """
    marked = user.notifications.filter(read_at=None, pk__lte=up_to).update(read_at=now)
    if marked:
        bump_version(user.pk)
    return marked


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 1] + "…"
