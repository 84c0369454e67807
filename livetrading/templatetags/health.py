"""The trouble in the top bar, read only by the template that shows it."""

from django import template
from django.utils import timezone

from livetrading.summaries.trouble import Trouble, trouble_of
from tradedesk.accounts.models import User

register = template.Library()


@register.simple_tag
def worst_trouble(user: User) -> Trouble | None:
    """What concerns the user most; None when all is well. Two queries."""
    return trouble_of(user, timezone.now())
