"""How far a halt is, and which orders a page can cancel."""

from django import template

from livetrading.models import Halt, Order
from livetrading.services.order_cancel import can_cancel, flattened_accounts, is_sold_off
from livetrading.summaries import halt as halts
from tradedesk.accounts.models import User

register = template.Library()


@register.filter
def progress(halt: Halt) -> str:
    return halts.progress([halt])


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
