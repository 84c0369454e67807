"""Keep the protective exits of one lot in line with it: at the broker by a replacement, or by a cancellation and a
new order; else guarded by the desk. Pure."""

from datetime import timedelta
from decimal import Decimal

from livetrading.models import Order, OrderState
from livetrading.models.order import WORKING
from livetrading.models.trade import Trade
from livetrading.pipeline.exit_levels import Exits
from livetrading.pipeline.lot_orders import REACHED, SOLD, LotOrders, Market, Plan
from livetrading.pipeline.protection import holder_of, prices_of, protective_exit
from tradedesk.core.money import DUST

Purpose, Holder = Order.Purpose, Order.Holder
_S = OrderState
# What the broker refused is tried again after this market time: the sale of a guarded exit, which it may also have
# let expire, and a protective order or its replacement, after pauses that double with each refusal.
RETRY = timedelta(minutes=5)
DOUBLINGS = 8
# The first pause while the order at the broker protects the lot worse than it should: one that is still the net
# around the close of the decision, or one for fewer shares, which is given up after so many refusals.
SOON = timedelta(seconds=15)
GIVEN_UP = 2
# Why the desk guards an exit that the broker could hold.
FOR_SALE = "A sell order holds the shares at the broker; meanwhile the desk guards this exit."
_CHANGED = "Replaced by an order with the exact price and quantity."


def protect_lot(made: Plan, lot: LotOrders, trade: Trade, state: Exits, market: Market) -> None:
    if trade.exit_quantity and lot.entry.state in WORKING:
        made.end(lot.entry, SOLD)
    if lot.resting and not lot.parts and not market.capabilities.attached_exits_at_fill:
        _guard_beside_sale(made, lot, state, market)
        return
    quantity = protected_shares(lot, market)
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
            made.end(live[0], REACHED)
        elif len(live) == 1:  # two: one replaces the other
            touched = purpose in state.touched
            if settles and live[0].state in (_S.ACCEPTED, _S.PARTIALLY_FILLED):
                continue  # a broker may refuse to replace one exit of a group while it replaces the other
            replacements = [leg for leg in refused if leg.replaces_id == live[0].pk]
            _keep(made, live[0], price, quantity, lot, market, refused=replacements, touched=touched)
            if market.capabilities.attached_exits_at_price:
                settles |= any(new.replaces is live[0] for new in made.new)


def _guard_beside_sale(made: Plan, lot: LotOrders, state: Exits, market: Market) -> None:
    """A sale by hand that waits for a price locks the shares at the broker: the desk guards the exits of the lot
    as long as it works."""
    if lot.entry.state in WORKING:
        made.end(lot.entry, SOLD)
    for purpose, price in state.prices.items():
        stays = False
        for leg in lot.legs:
            if leg.purpose != purpose or leg.state not in WORKING:
                continue
            figures: dict[str, object] = {**prices_of(purpose, price), "quantity": lot.held}
            if leg.state == _S.WAITING and leg.holder == Holder.ATTACHED:
                stays = True  # it ends, or becomes valid, with its entry
            elif leg.state == _S.WAITING:
                made.moves.append((leg, _S.GUARDED, {**figures, "holder": Holder.DESK, "reason": FOR_SALE}))
                stays = True
            elif leg.state != _S.GUARDED:
                made.end(leg, FOR_SALE)
                stays |= leg.cancels_to != _S.CANCELLED
            else:
                stays = True
                if (leg.trigger_price, leg.quantity) != (price, lot.held) and not leg.attempts:
                    made.updates.append((leg, figures))
        if not stays:
            leg = _new_leg(lot.entry, purpose, price, lot.held, market, guard=True)
            leg.reason = FOR_SALE
            made.new.append(leg)


def protected_shares(lot: LotOrders, market: Market) -> Decimal:
    """The shares that the protective exits of the lot are for: all but those that sales of a part are for. A
    broker that keeps its attached exits in line with the lot reduces them with the sale itself."""
    if market.capabilities.attached_exits_at_fill:
        return lot.held
    return lot.held - sum((order.open_quantity for order in lot.parts), Decimal(0))


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
            made.end(lot.entry, REACHED)
    elif leg.state == _S.WAITING and leg.holder != Holder.ATTACHED:
        holder = holder_of(quantity, market.capabilities, attached=False)
        state = _S.GUARDED if holder == Holder.DESK else _S.PENDING
        made.moves.append((leg, state, {**figures, "holder": holder}))
    elif _can_return(leg, quantity, lot, market, touched=touched):
        made.moves.append((leg, _S.PENDING, {**figures, "holder": Holder.BROKER, "reason": ""}))
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
            made.end(leg, REACHED)  # the exact price was not accepted, because the price had passed it
            return
        if refused and _is_worth_keeping(leg, quantity, refused, market):
            # The order at the broker protects the lot, and is never given up for a better one.
            soon = leg.provisional or not _covers(leg, quantity, market)
            if waits_after(refused, market, SOON if soon else RETRY):
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
    """Whether an exit that the desk guards because the broker refused it, or because a sale locked the shares, is
    tried there again. Not while another exit of the lot, or a sale that waits for its price, holds its shares."""
    refused = [each for each in lot.legs if each.purpose == leg.purpose and each.state == _S.REJECTED]
    if leg.state != _S.GUARDED or leg.attempts or touched or lot.resting:
        return False
    if not (refused or leg.reason == FOR_SALE) or waits_after(refused, market):
        return False
    others = (each for each in lot.legs if each is not leg and each.state in WORKING)
    if any(each.state != _S.GUARDED for each in others):
        return False
    return holder_of(quantity, market.capabilities, attached=False) == Holder.BROKER


def waits_after(refused: list[Order], market: Market, first: timedelta = RETRY) -> bool:
    """Whether it is too early to try again what the broker has refused these times."""
    if not refused:
        return False
    pause = first * 2 ** min(len(refused) - 1, DOUBLINGS)
    return bool(market.now - max(leg.created_at for leg in refused) < pause)


def _is_worth_keeping(leg: Order, quantity: Decimal, refused: list[Order], market: Market) -> bool:
    """Whether an order whose replacement was refused goes on as it is: it is for the right number of shares, or,
    for a while, for fewer. One for more holds shares that are to be sold."""
    left = left_at_broker(leg, market)
    return left is not None and (_covers(leg, quantity, market) or (left < quantity and len(refused) < GIVEN_UP))


def _filled_at_broker(leg: Order, market: Market) -> Decimal:
    at_broker = market.working.get(leg.client_order_id)
    return Decimal(0) if at_broker is None else at_broker.filled_quantity


def left_at_broker(leg: Order, market: Market) -> Decimal | None:
    at_broker = market.working.get(leg.client_order_id)
    return None if at_broker is None else at_broker.quantity - at_broker.filled_quantity


def _covers(leg: Order, quantity: Decimal, market: Market) -> bool:
    """Whether the order at the broker is for this number of shares."""
    left = left_at_broker(leg, market)
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
