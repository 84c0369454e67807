"""Cancel the entries of a strategy that enters no more."""

from datetime import datetime

from livetrading.models import LiveStrategy, Order
from livetrading.models.order import WORKING
from livetrading.services.order_audit import moved
from livetrading.services.signal_codes import note_end
from tradedesk.accounts.models import User
from tradedesk.audit.origin import DESK
from tradedesk.audit.services import Entry


def cancel_entries(live: LiveStrategy, reason: str, wall_now: datetime, actor: User | str = DESK) -> list[Entry]:
    """Cancel the working entries of this strategy: at the desk now, at the broker with the next tick. Shares that
    are bought stay protected. Called under the account's row lock. Returns what the caller records of it, for each
    order."""
    # One that is being sent belongs to its sender, whom the gate holds back; of an UNKNOWN one the broker is asked
    # first, and it is not sent again. What the broker has after all, the tick cancels.
    entries = live.orders.filter(purpose=Order.Purpose.ENTRY, state__in=WORKING)
    cancelled = []
    for order in entries:
        to = order.cancels_to
        if to is not None and Order.move(order.pk, to, wall_now=wall_now, only_from=order.state, reason=reason):
            note_end(order, to)
            cancelled.append(moved(order, to, reason, actor))
    return cancelled
