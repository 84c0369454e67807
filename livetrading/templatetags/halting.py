"""The halt in the top bar, and which orders a page can cancel."""

from django import template

from livetrading.models import Order
from livetrading.services.order_cancel import can_cancel, flattened_accounts, is_sold_off
from livetrading.summaries.halt import HaltState, read_halt
from tradedesk.accounts.models import User

register = template.Library()


@register.simple_tag
def halt_of(user: User) -> HaltState:
    """Of the account of the user's mode. One query while it trades."""
    return read_halt(user, user.mode)


@register.simple_tag
def accounts_flattened(user: User) -> set[int]:
    return flattened_accounts(user)


@register.filter
def cancellable(order: Order, flattened: set[int]) -> bool:
    """Whether a person can cancel this order now. flattened: accounts_flattened."""
    return can_cancel(order, flattened)


@register.filter
def sold_off(order: Order, flattened: set[int]) -> bool:
    """Whether it cannot be cancelled because its account is being flattened."""
    return is_sold_off(order, flattened)
