"""The plan of protection: what has to change so that every lot's protective exits are as they should be, and the
shares of exits are free. Pure.

Where a broker holds the exits, prices and quantities follow the lot by a replace, or by a cancel and a new order.
Where it cannot, the desk guards them: when a bar touches the price, the shares are freed and sold at the market.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from livetrading.brokers.protocol import BrokerOrder, Capabilities
from livetrading.models import Order, OrderState
from livetrading.models.order import FINAL, WORKING, OrderType, TimeInForce
from livetrading.models.trade import Trade
from livetrading.pipeline.protection import holder_of, prices_of, protective_exit
from tradedesk.core.bars import Bars
from tradedesk.core.money import DUST
from tradedesk.marketdata.quotes import Series

Purpose, Holder = Order.Purpose, Order.Holder
_S = OrderState
# An order in one of these states is not at the broker and nobody is sending it.
_AT_DESK = (_S.WAITING, _S.GUARDED, _S.PENDING)
# The broker did not carry out a protective order.
REFUSED = (_S.REJECTED, _S.EXPIRED)
# A sale of a guarded exit that the broker refused or let expire is tried again after this market time.
RETRY = timedelta(minutes=5)
_CLOSED = "The lot was closed."
_SOLD = "The shares are sold by an exit."
_REACHED = "The price of a protective exit was reached."
# What a guarded exit becomes when its price is reached.
_SELL_NOW: dict[str, object] = {
    "type": OrderType.MARKET,
    "time_in_force": TimeInForce.DAY,
    "stop_price": None,
    "limit_price": None,
}


@dataclass(slots=True)
class LotOrders:
    """trade: the open lot, None when the entry has none. legs: its protective exits; working ones, and refused and
    expired ones while the lot is open. exits: its working signal exits."""

    entry: Order
    trade: Trade | None = None
    legs: list[Order] = field(default_factory=list)
    exits: list[Order] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Market:
    """What the plan depends on besides the desk's records. working: the broker's working orders by their
    client_order_id. bars: the closed bars of the symbols that the desk guards. now, wall_now: market and wall
    time."""

    capabilities: Capabilities
    working: Mapping[str, BrokerOrder]
    bars: Mapping[Series, Bars]
    now: datetime
    wall_now: datetime


@dataclass(slots=True)
class Plan:
    """moves: an order, its new state and the fields that change with it. updates: fields that change without a new
    state. new: orders to store."""

    moves: list[tuple[Order, OrderState, dict[str, Any]]] = field(default_factory=list)
    updates: list[tuple[Order, dict[str, object]]] = field(default_factory=list)
    new: list[Order] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.moves or self.updates or self.new)

    def end(self, order: Order, reason: str) -> None:
        """Cancel an order, wherever it is. One that is on its way (SUBMITTING, UNKNOWN) is left to the next tick,
        which knows whether the broker has it."""
        if any(order is moved for moved, _, _ in self.moves):
            return
        if order.state in _AT_DESK:
            self.moves.append((order, _S.CANCELLED, {"reason": reason}))
        elif order.state in (_S.ACCEPTED, _S.PARTIALLY_FILLED):
            self.moves.append((order, _S.CANCEL_PENDING, {"reason": reason}))


def plan(lots: Iterable[LotOrders], market: Market) -> Plan:
    """What has to change for these lots."""
    made = Plan()
    for lot in lots:
        if lot.trade is None:
            _end_all(made, lot)
        elif lot.exits:
            _send_exit(made, lot, lot.trade)
        elif any(leg.type == OrderType.MARKET and leg.state in WORKING for leg in lot.legs):
            continue  # a guarded exit was reached, and its sale is on its way
        elif (reached := _reached(lot, lot.trade, market)) is not None:
            if _free_shares(made, lot, reached, _REACHED):
                made.moves.append((reached, _S.PENDING, {**_SELL_NOW, "quantity": lot.trade.open_quantity}))
        else:
            _protect_lot(made, lot, lot.trade, market)
    return made


def _end_all(made: Plan, lot: LotOrders) -> None:
    """The lot is closed, or was never opened."""
    ended = lot.entry.state in FINAL
    if lot.entry.filled_quantity:
        for order in (lot.entry, *lot.legs, *(lot.exits if ended else ())):
            made.end(order, _CLOSED)
    elif ended:
        for order in (*lot.legs, *lot.exits):
            made.end(order, "The entry was not filled.")


def _send_exit(made: Plan, lot: LotOrders, trade: Trade) -> None:
    """Send an exit that waits, once its shares are free."""
    first = lot.exits[0]
    if all(order.state == _S.WAITING for order in lot.exits) and _free_shares(made, lot, first, _SOLD):
        made.moves.append((first, _S.PENDING, {"quantity": trade.open_quantity}))


def _free_shares(made: Plan, lot: LotOrders, sale: Order, reason: str) -> bool:
    """Cancel the protective orders that hold the shares of this sale, and the rest of an entry that would add to
    them. Returns whether the shares are free."""
    free = True
    for order in (lot.entry, *lot.legs):
        if order is sale or order.state in FINAL or order.state == _S.GUARDED:
            continue
        if order.state == _S.WAITING and order.holder == Holder.ATTACHED:
            free = False  # it ends, or becomes valid, with its entry
            continue
        made.end(order, reason)
        free &= order.state in _AT_DESK
    return free


def _protect_lot(made: Plan, lot: LotOrders, trade: Trade, market: Market) -> None:
    if trade.exit_quantity and lot.entry.state in WORKING:
        made.end(lot.entry, _SOLD)
    for purpose, price in _prices(trade).items():
        legs = [leg for leg in lot.legs if leg.purpose == purpose]
        live = [leg for leg in legs if leg.state in WORKING]
        refused = [leg for leg in legs if leg.state == _S.REJECTED]
        if not live:
            # An order that was refused itself, not as a replacement, is guarded by the desk from then on.
            placed = any(leg.replaces_id is None for leg in refused)
            made.new.append(_new_leg(lot.entry, purpose, price, trade, market, refused=placed))
        elif len(live) == 1:  # two: one replaces the other
            _keep(made, live[0], price, lot, trade, market, refused=bool(refused))


def _prices(trade: Trade) -> dict[Order.Purpose, Decimal]:
    """The prices of the lot's protective exits; the stop, the worse one, first."""
    prices = {Purpose.STOP_LOSS: trade.stop_price, Purpose.TAKE_PROFIT: trade.target_price}
    return {purpose: price for purpose, price in prices.items() if price is not None}


def _new_leg(
    entry: Order, purpose: Order.Purpose, price: Decimal, trade: Trade, market: Market, *, refused: bool
) -> Order:
    """refused: whether the broker has refused such an order before; then the desk guards the exit."""
    holder = Holder.DESK if refused else holder_of(trade.open_quantity, market.capabilities, attached=False)
    return protective_exit(
        entry,
        purpose,
        holder,
        price=price,
        quantity=trade.open_quantity,
        state=_S.GUARDED if holder == Holder.DESK else _S.PENDING,
        created_at=market.now,
        state_changed_at=market.wall_now,
    )


def _keep(
    made: Plan, leg: Order, price: Decimal, lot: LotOrders, trade: Trade, market: Market, *, refused: bool
) -> None:
    """Keep one protective exit in line with its lot. refused: whether the broker has refused to replace it."""
    quantity = trade.open_quantity
    figures: dict[str, object] = {**prices_of(leg.purpose, price), "quantity": quantity + leg.filled_quantity}
    differs = leg.quantity != figures["quantity"] or leg.trigger_price != price
    if leg.holder == Holder.ATTACHED and market.capabilities.attached_exits_at_fill:
        if differs:  # the broker keeps it in line with the lot, and our record follows
            made.updates.append((leg, figures))
    elif leg.holder == Holder.ATTACHED and lot.entry.state in WORKING:
        # It is not valid before the entry is filled completely. The shares so far are guarded like this: once the
        # price is reached, no more are bought, and what is held is protected as usual.
        if _touched(leg, price, trade, market.bars):
            made.end(lot.entry, _REACHED)
    elif leg.state == _S.WAITING and leg.holder != Holder.ATTACHED:
        holder = holder_of(quantity, market.capabilities, attached=False)
        state = _S.GUARDED if holder == Holder.DESK else _S.PENDING
        made.moves.append((leg, state, {**figures, "holder": holder}))
    elif leg.state in (_S.GUARDED, _S.PENDING):
        if differs and not leg.attempts:  # one that was sent before keeps what it was sent with
            made.updates.append((leg, figures))
    elif _differs_at_broker(leg, price, quantity, market):
        if market.capabilities.replace and not refused and quantity == quantity.to_integral_value():
            made.new.append(
                protective_exit(
                    lot.entry,
                    Purpose(leg.purpose),
                    Holder.BROKER,
                    price=price,
                    quantity=quantity,
                    replaces=leg,
                    state=_S.PENDING,
                    created_at=market.now,
                    state_changed_at=market.wall_now,
                )
            )
        else:
            made.end(leg, "Replaced by an order with the exact price and quantity.")


def _differs_at_broker(leg: Order, price: Decimal, quantity: Decimal, market: Market) -> bool:
    """Whether the broker holds this exit at another price or for another number of shares.

    The price is the one it was sent with, because a broker may round it; the quantity is what the broker reports,
    because a broker may reduce it."""
    at_broker = market.working.get(leg.client_order_id)
    if leg.state not in (_S.ACCEPTED, _S.PARTIALLY_FILLED) or at_broker is None:
        return False
    return leg.trigger_price != price or abs(at_broker.quantity - at_broker.filled_quantity - quantity) >= DUST


def _reached(lot: LotOrders, trade: Trade, market: Market) -> Order | None:
    """The exit guarded by the desk whose price was reached, the stop first. After a refused sale the next one
    waits for RETRY."""
    for purpose, price in _prices(trade).items():
        legs = [leg for leg in lot.legs if leg.purpose == purpose]
        refused = any(leg.state in REFUSED and leg.type == OrderType.MARKET for leg in legs)
        for leg in legs:
            waits = refused and market.now - leg.created_at < RETRY
            if leg.state == _S.GUARDED and not waits and _touched(leg, price, trade, market.bars):
                return leg
    return None


def _touched(leg: Order, price: Decimal, trade: Trade, bars: Mapping[Series, Bars]) -> bool:
    """Whether a bar since the entry has touched the price of this exit."""
    known = bars.get((leg.symbol, leg.timeframe))
    since = None if known is None else known.since(trade.entry_time)
    if since is None or not len(since):
        return False
    if leg.purpose == Purpose.STOP_LOSS:
        return float(since.low.min()) <= float(price)
    return float(since.high.max()) >= float(price)
