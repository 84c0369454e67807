"""Telling a user something, and marking it as read."""

from datetime import datetime

from tradedesk.accounts.changes import touch
from tradedesk.accounts.models import Notification, User

TEXT_LENGTH = Notification._meta.get_field("text").max_length or 0


def notify(user: User, level: Notification.Level | str, text: str, url: str, now: datetime) -> Notification:
    """Stores what the desk tells the user, at the market's time `now`; a text too long for the column is cut.

    Raises ValueError for a level that does not exist.
    """
    return Notification.objects.create(
        user=user, level=Notification.Level(level), text=_cut(text), url=url, created_at=now
    )


def count_unread(user: User) -> int:
    return user.notifications.filter(read_at=None).count()


def mark_all_read(user: User, now: datetime, up_to: int) -> int:
    """Marks the user's unread notifications up to that id, so that none is marked which was not on the page.

    Returns how many were marked.
    """
    marked = user.notifications.filter(read_at=None, pk__lte=up_to).update(read_at=now)
    if marked:
        touch(user.pk)
    return marked


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - 1] + "…"
