"""The halt in the top bar, and which orders a page can cancel."""

from django import template

from livetrading.models import Order
from livetrading.services.order_cancel import can_cancel
from livetrading.summaries.halt import HaltState, read_halt
from tradedesk.accounts.models import User

register = template.Library()


@register.simple_tag
def halt_of(user: User) -> HaltState:
    """Of the account of the user's mode. One query while it trades."""
    return read_halt(user, user.mode)


@register.filter
def cancellable(order: Order) -> bool:
    """Whether a person can cancel this order now."""
    return can_cancel(order)
