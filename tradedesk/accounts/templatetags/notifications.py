"""The number on the bell, queried only by templates that show it."""

from django import template

from tradedesk.accounts.models import User
from tradedesk.accounts.services import count_unread

register = template.Library()


@register.simple_tag
def unread_count(user: User) -> int:
    """The number of the user's unread notifications: one indexed query."""
    return count_unread(user)
