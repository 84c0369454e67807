"""Cancel one order by hand."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction

from livetrading.models import BrokerAccount, Halt, Order, OrderState
from livetrading.models.halt import UNFINISHED
from livetrading.models.order import FINAL
from livetrading.services.queue import enqueue_tick_now
from livetrading.services.signal_codes import note_end
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import record

_S = OrderState
BY_HAND = "Cancelled by hand."


class NotCancelled(Exception):
    """The order stays as it is; the message can be shown to a person."""


def cancel_order(order: Order, *, by: User, wall_now: datetime) -> Order:
    """Cancel an entry or an exit: immediately while it is at the desk; at the broker the next ticks ask for it,
    and its later state shows whether it was in time. A repeated request changes nothing. Raises NotCancelled."""
    with transaction.atomic():
        account = BrokerAccount.locked(order.account_id)
        current = account.orders.get(pk=order.pk)
        if current.state in (_S.CANCEL_PENDING, _S.CANCELLED):
            return current
        if reason := _refusal(current, account):
            raise NotCancelled(reason)
        to, state = current.cancels_to, current.state
        if to is None or not Order.move(current.pk, to, wall_now=wall_now, only_from=state, reason=BY_HAND):
            raise NotCancelled("The order has changed just now. Look at it again.")
        note_end(current, to)
        current.refresh_from_db()
        bump_version(account.user_id)
        record(by, "cancel_order", current, {"before": order.state, "after": current.state}, wall_now)
        # What the order held, as its protective exits, is put in order by a tick.
        transaction.on_commit(lambda: enqueue_tick_now(account.pk), robust=True)
    return current


def can_cancel(order: Order, flattened: Collection[int]) -> bool:
    """Whether a page offers it. flattened: the ids of the accounts that are being flattened."""
    return not order.is_protective and order.cancels_to is not None and not is_sold_off(order, flattened)


def is_sold_off(order: Order, flattened: Collection[int]) -> bool:
    """Whether it is a working exit of an account that is being flattened, which sells everything."""
    is_exit = order.purpose == Order.Purpose.EXIT and order.state not in FINAL
    return is_exit and order.account_id in flattened


def flattened_accounts(user: User) -> set[int]:
    """The accounts of the user that are being flattened. One query."""
    halts = Halt.objects.filter(UNFINISHED, action=Halt.Action.FLATTEN, account__user=user)
    return set(halts.values_list("account", flat=True))


def _refusal(order: Order, account: BrokerAccount) -> str:
    """Why the order cannot be cancelled; "" when it can."""
    if order.state in FINAL:
        return f"The order is already {order.get_state_display().lower()}."
    if order.is_protective and order.opening_order is not None and order.opening_order.filled_quantity == 0:
        return "This exit belongs to an entry that is not filled yet. Cancel the entry."
    if order.is_protective:
        return "This order protects shares that are held. Close the position instead."
    if (
        order.purpose == Order.Purpose.EXIT
        and account.halts.filter(UNFINISHED, action=Halt.Action.FLATTEN).exists()
    ):
        return "The account is being flattened. Type RESUME under Stop trading first."
    if order.cancels_to is None:
        return "The order is being sent, and the broker has not answered yet. Try again in a moment."
    return ""
