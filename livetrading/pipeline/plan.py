"""The plan of protection: what has to change so that every lot's protective exits are as they should be, and the
shares of exits are free. Pure.

Where a broker holds the exits, prices and quantities follow the lot by a replace, or by a cancel and a new order.
Where it cannot, the desk guards them: when a bar touches the price, the shares are freed and sold at the market.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from livetrading.brokers.protocol import BrokerOrder, Capabilities
from livetrading.models import Order, OrderState
from livetrading.models.order import FINAL, WORKING, OrderType, TimeInForce
from livetrading.models.trade import Trade
from livetrading.pipeline.exit_retries import is_due, next_try
from livetrading.pipeline.protection import holder_of, prices_of, protective_exit
from livetrading.pipeline.trailing import OTHER_SCALE, follow, has_scale_of
from tradedesk.core.bars import Bars
from tradedesk.core.money import DUST, to_decimal
from tradedesk.marketdata.quotes import Series

Purpose, Holder = Order.Purpose, Order.Holder
_S = OrderState
# The broker did not carry out a protective order.
REFUSED = (_S.REJECTED, _S.EXPIRED)
# A lot that was bought within this market time may be missing among the broker's positions.
SETTLES = timedelta(minutes=1)
# What the broker refused is tried again after this market time: the sale of a guarded exit, which it may also have
# let expire, and a protective order or its replacement, after pauses that double with each refusal.
RETRY = timedelta(minutes=5)
DOUBLINGS = 8
# The first pause while the order at the broker protects the lot worse than it should: one that is still the net
# around the close of the decision, or one for fewer shares, which is given up after so many refusals.
SOON = timedelta(seconds=15)
GIVEN_UP = 2
_CLOSED = "The lot was closed."
_SOLD = "The shares are sold by an exit."
_REACHED = "The price of a protective exit was reached."
_CHANGED = "Replaced by an order with the exact price and quantity."
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
    expired ones while the lot is open. exits: its working signal exits and exits by hand. trailing: the order with
    the rule of its trailing stop, None for a lot without one. failed: the newest exit of the whole lot, or else
    the newest one, when it has ended against the desk's will. sellable: the shares that a sale may ask for, when
    they are not those of the lot."""

    entry: Order
    trade: Trade | None = None
    legs: list[Order] = field(default_factory=list)
    exits: list[Order] = field(default_factory=list)
    trailing: Order | None = None
    failed: Order | None = None
    sellable: Decimal | None = None

    @property
    def held(self) -> Decimal:
        """The shares to sell and to protect."""
        if self.sellable is not None:
            return self.sellable
        return self.trade.open_quantity if self.trade else Decimal(0)

    @property
    def parts(self) -> list[Order]:
        """The exits that sell a part of the lot; one that would sell all that is left of it is none."""
        return [order for order in self.exits if order.partial and order.open_quantity < self.held]

    @property
    def wholes(self) -> list[Order]:
        """The exits that sell all of the lot."""
        parts = self.parts
        return [order for order in self.exits if order not in parts]

    @property
    def reached(self) -> Order | None:
        """The guarded exit whose price was reached, while its sale of the lot is on its way."""
        return next((leg for leg in self.legs if leg.type == OrderType.MARKET and leg.state in WORKING), None)


@dataclass(frozen=True, slots=True)
class Market:
    """What the plan depends on besides the desk's records. working: the broker's working orders by their
    client_order_id. bars: the closed bars of the symbols that the desk guards or whose stops trail. now, wall_now:
    market and wall time. held: the shares that the broker reports by symbol, None when it did not. short_of: the
    symbols of which it has had fewer than the desk's records for a while. prices: the newest ones of an open
    session that it knows, which the desk guards by between two bars and without any."""

    capabilities: Capabilities
    working: Mapping[str, BrokerOrder]
    bars: Mapping[Series, Bars]
    now: datetime
    wall_now: datetime
    held: Mapping[str, Decimal] | None = None
    short_of: Collection[str] = ()
    prices: Mapping[str, Decimal] = field(default_factory=dict)

    def sellable(self, trade: Trade) -> Decimal | None:
        """What the broker has of this lot, None when that is not less than the lot. It refuses what is too much
        for several lots."""
        if self.held is None or not self.capabilities.sells_short or trade.symbol not in self.short_of:
            return None
        there = max(self.held.get(trade.symbol, Decimal(0)), Decimal(0))
        if trade.open_quantity == trade.open_quantity.to_integral_value():
            there = there.to_integral_value(ROUND_DOWN)
        return min(trade.open_quantity, there)

    def has_gone(self, trade: Trade) -> bool:
        """Whether the broker holds no share of this lot's symbol: a sale would be a short sale."""
        if self.held is None or not self.capabilities.sells_short or self.now - trade.entry_time < SETTLES:
            return False
        return self.held.get(trade.symbol, Decimal(0)) < DUST


@dataclass(slots=True)
class Plan:
    """moves: an order, its new state and the fields that change with it. updates: fields that change without a new
    state. new: orders to store. raised: lots with a trailing stop, and its new price. unwatched: exits that
    the desk guards, and cannot watch, because the bars have another scale; they change nothing."""

    moves: list[tuple[Order, OrderState, dict[str, Any]]] = field(default_factory=list)
    updates: list[tuple[Order, dict[str, object]]] = field(default_factory=list)
    new: list[Order] = field(default_factory=list)
    raised: list[tuple[Trade, Decimal]] = field(default_factory=list)
    unwatched: list[Order] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.moves or self.updates or self.new or self.raised)

    def end(self, order: Order, reason: str) -> None:
        """Cancel an order, wherever it is. One that is on its way (SUBMITTING, UNKNOWN) is left to the next tick,
        which knows whether the broker has it."""
        if any(order is moved for moved, _, _ in self.moves):
            return
        if (to := order.cancels_to) is not None:
            self.moves.append((order, to, {"reason": reason}))


@dataclass(frozen=True, slots=True)
class _Exits:
    """bars: of the lot, None without any at its scale. prices: of its protective exits in dollars; the stop, the
    worse one, first. touched: those whose price was reached since the entry. fallen: whether the last close is not
    above a trailing stop: no broker takes a stop there, so the desk sells."""

    bars: Bars | None
    prices: dict[Order.Purpose, Decimal]
    touched: frozenset[Order.Purpose]
    fallen: bool


def plan(lots: Iterable[LotOrders], market: Market) -> Plan:
    """What has to change for these lots."""
    made = Plan()
    for lot in lots:
        if lot.trade is None:
            _end_all(made, lot)
            continue
        state = _exits_state(lot, lot.trade, market)
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
            if _free_shares(made, lot, reached, _REACHED, market):
                made.moves.append((reached, _S.PENDING, {**_SELL_NOW, "quantity": lot.held}))
        else:
            _protect_lot(made, lot, lot.trade, state, market)
            _send_part(made, lot, market)
    return made


def _exits_state(lot: LotOrders, trade: Trade, market: Market) -> _Exits:
    bars = market.bars.get((lot.entry.symbol, lot.entry.timeframe))
    price = market.prices.get(trade.symbol)
    if bars is not None and not has_scale_of(trade, bars):
        bars = price = None
    prices = {Purpose.STOP_LOSS: trade.stop_price, Purpose.TAKE_PROFIT: trade.target_price}
    touched = set[Order.Purpose]()
    fallen = False
    if lot.trailing is not None:
        followed = follow(trade, lot.trailing, bars)
        by_desk = not market.capabilities.attached_exits_at_fill
        guarded = any(leg.holder == Holder.DESK and leg.purpose == Purpose.TRAILING_STOP for leg in lot.legs)
        level = followed.level
        if guarded and followed.touched is not None:
            level = max(followed.touched, trade.stop_price or followed.touched)  # where the desk sells
        prices = {Purpose.TRAILING_STOP: level, Purpose.TAKE_PROFIT: trade.target_price}
        fallen = followed.fallen and by_desk
        if followed.touched is not None or fallen:
            touched.add(Purpose.TRAILING_STOP)
    since = None if bars is None else bars.since(trade.entry_time)
    known = {purpose: level for purpose, level in prices.items() if level is not None}
    if price is not None:
        touched |= {purpose for purpose, level in known.items() if _is_reached(purpose, level, price)}
    if since is not None and len(since):
        if Purpose.STOP_LOSS in known and float(since.low.min()) <= float(known[Purpose.STOP_LOSS]):
            touched.add(Purpose.STOP_LOSS)
        if Purpose.TAKE_PROFIT in known and float(since.high.max()) >= float(known[Purpose.TAKE_PROFIT]):
            touched.add(Purpose.TAKE_PROFIT)
    return _Exits(bars, known, frozenset(touched), fallen)


def _is_reached(purpose: Order.Purpose, level: Decimal, price: Decimal) -> bool:
    """Whether the broker's price has passed that of an exit. So far beyond it, it may be one after a split."""
    far = level * to_decimal(OTHER_SCALE)
    if purpose == Purpose.TAKE_PROFIT:
        return level <= price < level + far
    return level - far < price <= level


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
    if all(order.state == _S.WAITING for order in lot.wholes) and _free_shares(made, lot, first, _SOLD, market):
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
        made.end(lot.entry, _SOLD)
        return
    first, rest = parts[0], _protected(lot, market)
    if first.state == _S.WAITING and all(_held_by(leg, made, market) <= rest + DUST for leg in lot.legs):
        made.moves.append((first, _S.PENDING, {}))


def _held_by(leg: Order, made: Plan, market: Market) -> Decimal:
    """The shares that this protective exit holds at the broker, or may hold."""
    ended = leg.state in FINAL or leg.state == _S.GUARDED
    if ended or any(leg is order for order, _ in made.updates):  # it is sent with what is left for it
        return Decimal(0)
    left = _left_at_broker(leg, market)
    if left is not None and leg.state in (_S.ACCEPTED, _S.PARTIALLY_FILLED):
        return left
    return leg.open_quantity


def _protected(lot: LotOrders, market: Market) -> Decimal:
    """The shares that the protective exits of the lot are for: all but those that sales of a part are for. A
    broker that keeps its attached exits in line with the lot reduces them with the sale itself."""
    if market.capabilities.attached_exits_at_fill:
        return lot.held
    return lot.held - sum((order.open_quantity for order in lot.parts), Decimal(0))


def _free_shares(made: Plan, lot: LotOrders, sale: Order, reason: str, market: Market) -> bool:
    """Cancel the protective orders and the sales of a part that hold the shares of this sale, and the rest of an
    entry that would add to them. Returns whether the shares are free."""
    free = True
    for order in (lot.entry, *lot.legs, *lot.parts):
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


def _protect_lot(made: Plan, lot: LotOrders, trade: Trade, state: _Exits, market: Market) -> None:
    if trade.exit_quantity and lot.entry.state in WORKING:
        made.end(lot.entry, _SOLD)
    quantity = _protected(lot, market)
    if quantity < DUST:
        return
    settles = market.capabilities.attached_exits_at_price and _is_being_replaced(lot)
    for purpose, price in state.prices.items():
        legs = [leg for leg in lot.legs if leg.purpose == purpose]
        fallen = state.fallen and purpose == Purpose.TRAILING_STOP
        live = [leg for leg in legs if leg.state in WORKING]
        refused = [leg for leg in legs if leg.state == _S.REJECTED]
        if not live:
            # After a refusal of the order itself, or of a replacement whose price was reached meanwhile, the desk
            # guards the exit.
            reached = purpose in state.touched
            guard = fallen or any(reached or leg.replaces_id is None for leg in refused)
            made.new.append(_new_leg(lot.entry, purpose, price, quantity, market, guard=guard))
        elif len(live) == 1 and fallen and live[0].state in (_S.ACCEPTED, _S.PARTIALLY_FILLED):
            made.end(live[0], _REACHED)
        elif len(live) == 1:  # two: one replaces the other
            touched = purpose in state.touched
            if settles and live[0].state in (_S.ACCEPTED, _S.PARTIALLY_FILLED):
                continue  # a broker may refuse to replace one exit of a group while it replaces the other
            replacements = [leg for leg in refused if leg.replaces_id == live[0].pk]
            _keep(made, live[0], price, quantity, lot, market, refused=replacements, touched=touched)
            if market.capabilities.attached_exits_at_price:
                settles |= any(new.replaces is live[0] for new in made.new)


def _new_leg(
    entry: Order, purpose: Order.Purpose, price: Decimal, quantity: Decimal, market: Market, *, guard: bool
) -> Order:
    """guard: whether the desk guards the exit, because the broker has refused such an order or would refuse it."""
    holder = Holder.DESK if guard else holder_of(quantity, market.capabilities, attached=False)
    return protective_exit(
        entry,
        purpose,
        holder,
        price=price,
        quantity=quantity,
        state=_S.GUARDED if holder == Holder.DESK else _S.PENDING,
        created_at=market.now,
        state_changed_at=market.wall_now,
    )


def _keep(
    made: Plan,
    leg: Order,
    price: Decimal,
    quantity: Decimal,
    lot: LotOrders,
    market: Market,
    *,
    refused: list[Order],
    touched: bool,
) -> None:
    """Keep one protective exit in line with its lot. quantity: the shares it is for. refused: the replacements
    that the broker has refused. touched: whether a bar has reached its price."""
    figures: dict[str, object] = {**prices_of(leg.purpose, price), "quantity": quantity + leg.filled_quantity}
    differs = leg.quantity != figures["quantity"] or leg.trigger_price != price
    if leg.holder == Holder.ATTACHED and market.capabilities.attached_exits_at_fill:
        if differs:  # the broker keeps it in line with the lot, and our record follows
            made.updates.append((leg, figures))
    elif leg.holder == Holder.ATTACHED and lot.entry.state in WORKING:
        # It is not valid before the entry is filled completely. The shares so far are guarded like this: once the
        # price is reached, no more are bought, and what is held is protected as usual.
        if touched:
            made.end(lot.entry, _REACHED)
    elif leg.state == _S.WAITING and leg.holder != Holder.ATTACHED:
        holder = holder_of(quantity, market.capabilities, attached=False)
        state = _S.GUARDED if holder == Holder.DESK else _S.PENDING
        made.moves.append((leg, state, {**figures, "holder": holder}))
    elif _can_return(leg, quantity, lot, market, touched=touched):
        made.moves.append((leg, _S.PENDING, {**figures, "holder": Holder.BROKER}))
    elif leg.state in (_S.GUARDED, _S.PENDING):
        if differs and not leg.attempts:  # one that was sent before keeps what it was sent with
            made.updates.append((leg, figures))
    elif _differs_at_broker(leg, price, quantity, market):
        if any(_filled_at_broker(each, market) - each.filled_quantity >= DUST for each in lot.legs):
            return  # the books do not know how many shares are left
        if leg.filled_quantity:
            # Its price was reached, and brokers differ in which fills and shares a replacement counts.
            if not _covers(leg, quantity, market):
                made.end(leg, _CHANGED)
            return
        if refused and leg.provisional and touched:
            made.end(leg, _REACHED)  # the exact price was not accepted, because the price had passed it
            return
        if refused and _is_worth_keeping(leg, quantity, refused, market):
            # The order at the broker protects the lot, and is never given up for a better one.
            soon = leg.provisional or not _covers(leg, quantity, market)
            if _waits(refused, market, SOON if soon else RETRY):
                return
            refused = []
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
            made.end(leg, _CHANGED)


def _is_being_replaced(lot: LotOrders) -> bool:
    """Whether two orders work for one exit of the lot: the one replaces the other."""
    working = [leg.purpose for leg in lot.legs if leg.state in WORKING]
    return len(set(working)) < len(working)


def _can_return(leg: Order, quantity: Decimal, lot: LotOrders, market: Market, *, touched: bool) -> bool:
    """Whether an exit that the desk guards because the broker refused it is tried there again. Not while another
    exit of the lot is there, which holds its shares."""
    refused = [each for each in lot.legs if each.purpose == leg.purpose and each.state == _S.REJECTED]
    if leg.state != _S.GUARDED or leg.attempts or touched or not refused or _waits(refused, market):
        return False
    others = (each for each in lot.legs if each is not leg and each.state in WORKING)
    if any(each.state != _S.GUARDED for each in others):
        return False
    return holder_of(quantity, market.capabilities, attached=False) == Holder.BROKER


def _waits(refused: list[Order], market: Market, first: timedelta = RETRY) -> bool:
    """Whether it is too early to try again what the broker has refused these times."""
    if not refused:
        return False
    pause = first * 2 ** min(len(refused) - 1, DOUBLINGS)
    return bool(market.now - max(leg.created_at for leg in refused) < pause)


def _is_worth_keeping(leg: Order, quantity: Decimal, refused: list[Order], market: Market) -> bool:
    """Whether an order whose replacement was refused goes on as it is: it is for the right number of shares, or,
    for a while, for fewer. One for more holds shares that are to be sold."""
    left = _left_at_broker(leg, market)
    return left is not None and (_covers(leg, quantity, market) or (left < quantity and len(refused) < GIVEN_UP))


def _filled_at_broker(leg: Order, market: Market) -> Decimal:
    at_broker = market.working.get(leg.client_order_id)
    return Decimal(0) if at_broker is None else at_broker.filled_quantity


def _left_at_broker(leg: Order, market: Market) -> Decimal | None:
    at_broker = market.working.get(leg.client_order_id)
    return None if at_broker is None else at_broker.quantity - at_broker.filled_quantity


def _covers(leg: Order, quantity: Decimal, market: Market) -> bool:
    """Whether the order at the broker is for this number of shares."""
    left = _left_at_broker(leg, market)
    return left is not None and abs(left - quantity) < DUST


def _differs_at_broker(leg: Order, price: Decimal, quantity: Decimal, market: Market) -> bool:
    """Whether the broker holds this exit at another price, for another number of shares, or as it came with its
    entry, which may be for a session alone.

    The price is the one it was sent with, because a broker may round it; the quantity is what the broker reports,
    because a broker may reduce it."""
    at_broker = market.working.get(leg.client_order_id)
    if leg.state not in (_S.ACCEPTED, _S.PARTIALLY_FILLED) or at_broker is None:
        return False
    as_sent = market.capabilities.as_sent
    is_moved = leg.trigger_price is None or as_sent(leg.trigger_price) != as_sent(price)
    return leg.provisional or is_moved or not _covers(leg, quantity, market)


def _reached(lot: LotOrders, state: _Exits, market: Market) -> Order | None:
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
