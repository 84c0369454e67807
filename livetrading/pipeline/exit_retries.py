"""Exits that failed: they are made again until the lot is sold. Pure.

The first time without a pause, because most fail over shares that another order still held; then after growing
pauses. Meanwhile the lot is protected as before.
"""

from datetime import datetime, timedelta

from livetrading.brokers.protocol import Capabilities
from livetrading.models import Order, OrderState
from livetrading.models.order import ENDED_AT_BROKER
from livetrading.models.trade import Trade
from livetrading.services.manual_exits import manual_exit

# Wall time before the second try, the third, and so on; the last one before all further ones.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (0, 30, 60, 120, 300, 900))


def has_failed(exit_: Order) -> bool:
    """Whether this exit has ended against the desk's will: what it should sell is still held. One that waits for
    a price may end without it."""
    if exit_.rests:
        return False
    return exit_.state == OrderState.BLOCKED or (exit_.state in ENDED_AT_BROKER and exit_.ended_by_broker)


def is_due(failed: Order, wall_now: datetime) -> bool:
    """Whether it is time for another try after this one."""
    return wall_now >= failed.state_changed_at + PAUSES[min(failed.tries, len(PAUSES)) - 1]


def next_try(
    failed: Order, trade: Trade, capabilities: Capabilities, *, waits: bool, now: datetime, wall_now: datetime
) -> Order:
    """The order that tries again to sell what is left, not stored yet. It takes over the signal of the one before.
    waits: whether another sale of the lot has to end first."""
    part = failed.open_quantity if failed.partial and failed.open_quantity < trade.open_quantity else None
    order = manual_exit(trade, capabilities, quantity=part, waits=waits, now=now, wall_now=wall_now)
    order.tries, order.signal_id, order.priority = failed.tries + 1, failed.signal_id, failed.priority
    return order
