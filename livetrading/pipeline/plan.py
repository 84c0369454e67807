"""The plan of protection: what has to change so that every lot's protective exits are as they should be, and the
shares of exits are free. Pure.

Where a broker holds the exits, prices and quantities follow the lot by a replace, or by a cancel and a new order.
Where it cannot, the desk guards them: when a bar touches the price, the shares are freed and sold at the market.
"""

from collections.abc import Iterable
from decimal import Decimal

from livetrading.models import Order, OrderState
from livetrading.models.order import FINAL, WORKING, OrderType, TimeInForce
from livetrading.models.trade import Trade
from livetrading.pipeline.exit_levels import Exits, exits_of
from livetrading.pipeline.exit_retries import is_due, next_try
from livetrading.pipeline.keep_exits import RETRY, left_at_broker, protect_lot, protected_shares
from livetrading.pipeline.lot_orders import REACHED, SOLD, LotOrders, Market, Plan
from tradedesk.core.money import DUST

Purpose, Holder = Order.Purpose, Order.Holder
_S = OrderState
# The broker did not carry out a protective order.
REFUSED = (_S.REJECTED, _S.EXPIRED)
_CLOSED = "The lot was closed."
# What a guarded exit becomes when its price is reached.
_SELL_NOW: dict[str, object] = {
    "type": OrderType.MARKET,
    "time_in_force": TimeInForce.DAY,
    "stop_price": None,
    "limit_price": None,
}


def plan(lots: Iterable[LotOrders], market: Market) -> Plan:
    """What has to change for these lots."""
    made = Plan()
    for lot in lots:
        if lot.trade is None:
            _end_all(made, lot)
            continue
        state = exits_of(lot, lot.trade, market)
        if state.bars is None and (lot.entry.symbol, lot.entry.timeframe) in market.bars:
            made.unwatched += [leg for leg in lot.legs if leg.state == _S.GUARDED][:1]
        stop = state.prices.get(Purpose.TRAILING_STOP)
        if stop is not None and stop > (lot.trade.stop_price or 0):
            made.raised.append((lot.trade, stop))
        lot.sellable = market.sellable(lot.trade)
        if market.has_gone(lot.trade) or lot.held < DUST:
            continue  # the difference is an incident, and nothing is sold before it is settled
        if lot.wholes:
            _send_exit(made, lot, market)
        elif lot.reached is not None:
            continue
        elif lot.failed is not None and is_due(lot.failed, market.wall_now):
            _try_again(made, lot, lot.trade, lot.failed, market)
        elif (reached := _reached(lot, state, market)) is not None:
            if _free_shares(made, lot, reached, REACHED, market):
                made.moves.append((reached, _S.PENDING, {**_SELL_NOW, "quantity": lot.held}))
        else:
            protect_lot(made, lot, lot.trade, state, market)
            _send_part(made, lot, market)
            _send_resting(made, lot)
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


def _send_exit(made: Plan, lot: LotOrders, market: Market) -> None:
    """Send an exit of the whole lot that waits, once its shares are free."""
    first = lot.wholes[0]
    if all(order.state == _S.WAITING for order in lot.wholes) and _free_shares(made, lot, first, SOLD, market):
        made.moves.append((first, _S.PENDING, {"quantity": lot.held, "partial": False}))


def _try_again(made: Plan, lot: LotOrders, trade: Trade, failed: Order, market: Market) -> None:
    """Make an exit again that has failed; the next plan frees its shares."""
    waits = bool(lot.parts)
    made.new.append(
        next_try(failed, trade, market.capabilities, waits=waits, now=market.now, wall_now=market.wall_now)
    )
    if failed.signal_id is not None:
        made.updates.append((failed, {"signal": None}))


def _send_part(made: Plan, lot: LotOrders, market: Market) -> None:
    """Send an exit of a part of the lot that waits, once no other order holds its shares."""
    parts = lot.parts
    if not any(order.state == _S.WAITING for order in parts):
        return
    if lot.entry.state in WORKING:
        made.end(lot.entry, SOLD)
        return
    for order in lot.resting:
        made.end(order, SOLD)
    first, rest = parts[0], protected_shares(lot, market)
    if (
        first.state == _S.WAITING
        and not lot.resting
        and all(_held_by(leg, made, market) <= rest + DUST for leg in lot.legs)
    ):
        made.moves.append((first, _S.PENDING, {}))


def _send_resting(made: Plan, lot: LotOrders) -> None:
    """Send the sales that wait for a price, once no other order holds shares of the lot."""
    others = (lot.entry, *lot.legs)
    if not lot.parts and all(order.state in FINAL or order.state == _S.GUARDED for order in others):
        left = lot.held - sum(order.open_quantity for order in lot.resting if order.state != _S.WAITING)
        for order in lot.resting:
            if order.state != _S.WAITING:
                continue
            # A stop may have sold some of its shares while it was being cancelled.
            shares = min(order.quantity, left)
            if shares < DUST:
                made.end(order, SOLD)
                continue
            made.moves.append((order, _S.PENDING, {} if shares == order.quantity else {"quantity": shares}))
            left -= shares


def _held_by(leg: Order, made: Plan, market: Market) -> Decimal:
    """The shares that this protective exit holds at the broker, or may hold."""
    ended = leg.state in FINAL or leg.state == _S.GUARDED
    if ended or any(leg is order for order, _ in made.updates):  # it is sent with what is left for it
        return Decimal(0)
    left = left_at_broker(leg, market)
    if left is not None and leg.state in (_S.ACCEPTED, _S.PARTIALLY_FILLED):
        return left
    return leg.open_quantity


def _free_shares(made: Plan, lot: LotOrders, sale: Order, reason: str, market: Market) -> bool:
    """Cancel the protective orders and the sales of a part that hold the shares of this sale, and the rest of an
    entry that would add to them. Returns whether the shares are free."""
    free = True
    for order in (lot.entry, *lot.legs, *lot.parts, *lot.resting):
        if order is sale or order.state in FINAL or order.state == _S.GUARDED:
            continue
        if order.holder == Holder.ATTACHED and market.capabilities.attached_exits_at_fill:
            continue  # it ends with the lot, and holds no shares
        if order.state == _S.WAITING and order.holder == Holder.ATTACHED:
            free = False  # it ends, or becomes valid, with its entry
            continue
        made.end(order, reason)
        free &= order.cancels_to == _S.CANCELLED
    return free


def _reached(lot: LotOrders, state: Exits, market: Market) -> Order | None:
    """The exit guarded by the desk whose price was reached, the stop first. After a refused sale the next one
    waits for RETRY."""
    for purpose in state.prices:
        legs = [leg for leg in lot.legs if leg.purpose == purpose]
        refused = any(leg.state in REFUSED and leg.type == OrderType.MARKET for leg in legs)
        for leg in legs:
            waits = refused and market.now - leg.created_at < RETRY
            if leg.state == _S.GUARDED and not waits and purpose in state.touched:
                return leg
    return None
