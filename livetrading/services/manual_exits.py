"""Exits by hand: market orders that sell a lot, or a part of it, without a signal."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from livetrading.brokers.protocol import Capabilities
from livetrading.models import BrokerAccount, Order, OrderState
from livetrading.models.order import PROTECTIVE, WORKING, OrderType, TimeInForce
from livetrading.models.signal import OrderSide
from livetrading.models.trade import Trade


def manual_exit(
    trade: Trade,
    capabilities: Capabilities,
    *,
    quantity: Decimal | None = None,
    waits: bool = False,
    now: datetime,
    wall_now: datetime,
) -> Order:
    """An order, not stored yet, to sell this lot at the market; quantity: shares below those of the lot, None for
    all of it. waits: whether another sale of the lot has to end first."""
    order_id = uuid.uuid4()
    entry = trade.opening_order
    # Where protective orders hold the shares of a lot, an exit waits until they are free.
    free = capabilities.attached_exits_at_fill and not waits
    return Order(
        id=order_id,
        client_order_id=Order.client_id_of(order_id),
        user_id=trade.user_id,
        account_id=trade.account_id,
        live_strategy_id=trade.live_strategy_id,
        symbol=trade.symbol,
        timeframe=trade.timeframe,
        side=OrderSide.SELL,
        purpose=Order.Purpose.EXIT,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        quantity=trade.open_quantity if quantity is None else quantity,
        partial=quantity is not None,
        fractional=entry.fractional,
        opening_order=entry,
        state=OrderState.PENDING if free else OrderState.WAITING,
        created_at=now,
        state_changed_at=wall_now,
    )


def sales_by_lot(account: BrokerAccount, lots: Iterable[Trade]) -> dict[uuid.UUID | None, list[Order]]:
    """The working sales of these lots, by the entry that opened each: exits, and guarded exits whose price was
    reached. One query."""
    found: dict[uuid.UUID | None, list[Order]] = defaultdict(list)
    entries = [lot.opening_order_id for lot in lots]
    selling = account.orders.filter(
        opening_order__in=entries, type=OrderType.MARKET, purpose__in=(Order.Purpose.EXIT, *PROTECTIVE)
    )
    for order in selling.filter(state__in=WORKING).order_by("created_at", "pk"):
        found[order.opening_order_id].append(order)
    return found
