"""The inbox as the page and the API read it."""

from collections.abc import Iterable

from django.db.models import QuerySet

from tradedesk.accounts.models import User
from tradedesk.notifications.events import Priority
from tradedesk.notifications.models import Notification


def filtered(
    user: User, *, event: str = "", priority: Priority | None = None, unread: bool = False
) -> QuerySet[Notification]:
    """The user's notifications that match every given filter, newest first."""
    found = user.notifications.all()
    if event:
        found = found.filter(event=event)
    if priority is not None:
        found = found.filter(priority=priority)
    return found.filter(read_at=None) if unread else found


def ids_of_unread(page: Iterable[Notification]) -> list[int]:
    return [notification.pk for notification in page if notification.read_at is None]
