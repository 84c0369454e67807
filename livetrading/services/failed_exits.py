"""The alarm about an exit that failed: open until its lot is sold."""

import uuid
from datetime import datetime

from livetrading.models import BrokerAccount, Incident, Order, OrderState
from livetrading.models.trade import trades_of
from livetrading.services.incidents import close, report

_KIND = Incident.Kind.FAILED_EXIT


def alarm(order: Order, state: OrderState, reason: str, now: datetime) -> bool:
    """Report an exit that has ended in `state` with shares left to sell. Returns False, and reports nothing, when
    its lot is sold or it is not an exit."""
    if order.purpose != Order.Purpose.EXIT or order.opening_order_id is None:
        return False
    held = trades_of(order.account, order.account.mode).filter(opening_order=order.opening_order_id)
    if not held.filter(exit_time=None).exists():
        return False
    times = "" if order.tries == 1 else f" (try {order.tries})"
    text = f"The order to {order} was {state.label.lower()}{times} and is tried again until the shares are sold"
    report(order.account, _KIND, order.opening_order_id.hex, f"{text}: {reason}", now, order=order)
    return True


def all_clear(account: BrokerAccount, entry_id: uuid.UUID, now: datetime) -> None:
    """The lot that this entry opened is sold."""
    close(account, _KIND, entry_id.hex, now)
