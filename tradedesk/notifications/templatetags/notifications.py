"""The number on the bell and the channels, queried only by templates that show them, and how priorities look."""

from django import template
from django.db.models import QuerySet

from tradedesk.accounts.models import User
from tradedesk.notifications.events import Priority
from tradedesk.notifications.models import Channel
from tradedesk.notifications.services import count_unread

register = template.Library()

# Each priority has a shape of its own; the colour only repeats it.
LOOKS = {
    Priority.LOW: ("▽", ""),
    Priority.NORMAL: ("●", "tag-info"),
    Priority.HIGH: ("▲", "tag-warning"),
    Priority.CRITICAL: ("◆", "tag-error"),
}


@register.simple_tag
def unread_count(user: User) -> int:
    """The number of the user's unread notifications: one indexed query."""
    return count_unread(user)


@register.simple_tag
def channels_of(user: User) -> QuerySet[Channel]:
    """The user's channels, of which there are few: one query."""
    return user.channels.all()


@register.inclusion_tag("notifications/_priority.html")
def priority_badge(priority: int) -> dict[str, str]:
    known = Priority(priority)
    shape, tone = LOOKS[known]
    return {"label": str(known.label), "shape": shape, "tone": tone}
