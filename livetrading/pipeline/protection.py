"""Protective exits as orders: those of an entry, where a broker keeps them, and their exact prices. Pure."""

import uuid
from decimal import Decimal

from livetrading.brokers.protocol import Capabilities
from livetrading.models import Order, OrderState
from livetrading.models.order import OrderType, TimeInForce
from livetrading.models.signal import OrderSide
from tradedesk.core import fills
from tradedesk.core.money import to_decimal
from tradedesk.core.rules import RiskRules

TYPES = {Order.Purpose.STOP_LOSS: OrderType.STOP, Order.Purpose.TAKE_PROFIT: OrderType.LIMIT}
_SUFFIX = {Order.Purpose.STOP_LOSS: "-stop", Order.Purpose.TAKE_PROFIT: "-target"}


def exit_price(purpose: str, fill_price: float, distance: float) -> Decimal:
    """The price in dollars of a protective exit at `distance` (a fraction) from the entry's fill price."""
    if purpose == Order.Purpose.STOP_LOSS:
        return to_decimal(fills.stop_price(fill_price, distance))
    return to_decimal(fills.target_price(fill_price, distance))


def prices_of(purpose: str, price: Decimal | None) -> dict[str, Decimal | None]:
    """The price as the column of the order's type: stop_price of a stop, limit_price of a target."""
    return {"stop_price" if purpose == Order.Purpose.STOP_LOSS else "limit_price": price}


def holder_of(quantity: Decimal, capabilities: Capabilities, *, attached: bool) -> Order.Holder:
    """Where a protective exit for `quantity` shares is kept; `attached`: whether it can travel with its entry."""
    whole = quantity == quantity.to_integral_value()
    if not whole and not capabilities.fractional_exits:
        return Order.Holder.DESK
    if attached and (capabilities.attached_exits_at_fill or capabilities.attached_exits_at_price):
        return Order.Holder.ATTACHED
    return Order.Holder.BROKER if capabilities.separate_exits else Order.Holder.DESK


def exits_of_entry(entry: Order, rules: RiskRules, close: float, capabilities: Capabilities) -> list[Order]:
    """The protective exits of an entry, WAITING for its fill. close: the price of the decision in dollars; a
    broker that takes attached exits at absolute prices gets a provisional price from it."""
    distances = {Order.Purpose.STOP_LOSS: rules.stop_loss_pct, Order.Purpose.TAKE_PROFIT: rules.take_profit_pct}
    holder = holder_of(entry.quantity, capabilities, attached=True)
    provisional = holder == Order.Holder.ATTACHED and not capabilities.attached_exits_at_fill
    return [
        protective_exit(
            entry,
            purpose,
            holder,
            price=exit_price(purpose, close, distance) if provisional else None,
            quantity=entry.quantity,
            client_order_id=f"{entry.client_order_id}{_SUFFIX[purpose]}",
            distance=distance,
            provisional=provisional,
            created_at=entry.created_at,
            state_changed_at=entry.state_changed_at,
        )
        for purpose, distance in distances.items()
        if distance is not None
    ]


def protective_exit(
    entry: Order, purpose: Order.Purpose, holder: Order.Holder, *, price: Decimal | None, **fields: object
) -> Order:
    """A protective exit of the lot that `entry` opens, not stored yet. fields: of the order."""
    order_id = uuid.uuid4()
    values: dict[str, object] = {
        "id": order_id,
        "client_order_id": Order.client_id_of(order_id),
        "user_id": entry.user_id,
        "account_id": entry.account_id,
        "live_strategy_id": entry.live_strategy_id,
        "symbol": entry.symbol,
        "timeframe": entry.timeframe,
        "side": OrderSide.SELL,
        "purpose": purpose,
        "type": TYPES[purpose],
        "time_in_force": TimeInForce.GTC,
        "fractional": entry.fractional,
        "priority": entry.priority,
        "holder": holder,
        "opening_order": entry,
        "state": OrderState.WAITING,
    }
    return Order(**(values | prices_of(purpose, price) | fields))
