"""The alarms about an exit that failed and about one that nobody watches: open until its lot is sold."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from livetrading.models import BrokerAccount, Incident, Order, OrderState
from livetrading.models.trade import trades_of
from livetrading.services.incidents import close, report

_KIND = Incident.Kind.FAILED_EXIT


def alarm(order: Order, state: OrderState, reason: str, now: datetime) -> bool:
    """Report an exit that has ended in `state` with shares left to sell. Returns False, and reports nothing, when
    its lot is sold, it is not an exit, or it only waited for a price."""
    if order.purpose != Order.Purpose.EXIT or order.rests or order.opening_order_id is None:
        return False
    held = trades_of(order.account, order.account.mode).filter(opening_order=order.opening_order_id)
    if not held.filter(exit_time=None).exists():
        return False
    times = "" if order.tries == 1 else f" (try {order.tries})"
    text = f"The order to {order} was {state.label.lower()}{times} and is tried again until the shares are sold"
    report(order.account, _KIND, order.opening_order_id.hex, f"{text}: {reason}", now, order=order)
    return True


def unwatched(account: BrokerAccount, exits: Iterable[Order], now: datetime) -> None:
    """Report these guarded exits, one of each lot, whose bars have another scale than the lot, once the broker has
    another number of shares as well: a split that the desk could not book. Otherwise the bars are on their way."""
    differing = account.incidents.filter(kind=Incident.Kind.POSITION, resolved_at=None).exclude(reported_at=None)
    symbols = set(differing.values_list("key", flat=True))
    known = set(account.incidents.filter(kind=_KIND, resolved_at=None).values_list("key", flat=True))
    for order in exits:
        lot = order.opening_order_id
        if lot is None or order.symbol not in symbols or lot.hex in known:
            continue
        text = (
            f"The desk cannot watch the exits of {order.quantity.normalize():f} {order.symbol}: its bars have "
            "another scale, as after a split, and the broker another number of shares. Compare with the broker."
        )
        report(account, _KIND, lot.hex, text, now, order=order)


def all_clear(account: BrokerAccount, entry_id: uuid.UUID, now: datetime) -> None:
    """The lot that this entry opened is sold."""
    close(account, _KIND, entry_id.hex, now)
