"""Close by hand: all lots of an account or a strategy, a position, a lot, or some of their shares.

The exits are stored under the account's row lock; the next tick frees their shares and they go out as any exit.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from livetrading.journal import orders_made
from livetrading.models import BrokerAccount, LiveStrategy, Order, OrderState
from livetrading.models.trade import Trade, trades_of
from livetrading.services.accounts import NoBroker, broker_for
from livetrading.services.manual_exits import manual_exit, sales_by_lot
from livetrading.services.order_audit import made as created
from livetrading.services.queue import enqueue_orders, enqueue_tick_now
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import Entry, record_all
from tradedesk.core.money import DUST, PLACES

ZERO = Decimal(0)
Sales = Mapping[uuid.UUID | None, Sequence[Order]]


class NotClosed(Exception):
    """Nothing was sold; the message can be shown to a person. field: what was wrong with the request, "" when it
    does not fit what is held or on its way now."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def close_strategy(live: LiveStrategy, *, by: User, now: datetime, wall_now: datetime) -> list[Order]:
    """Sell all lots of the strategy at the market, whatever its status. Raises NotClosed."""
    return close_lots(live.account, {"live_strategy": live}, None, by=by, now=now, wall_now=wall_now)


def close_account(account: BrokerAccount, *, by: User, now: datetime, wall_now: datetime) -> list[Order]:
    """Sell all lots of the account at the market. Entries go on: halting is what stops them. Raises NotClosed."""
    return close_lots(account, {}, None, by=by, now=now, wall_now=wall_now)


def close_position(
    account: BrokerAccount,
    symbol: str,
    quantity: Decimal | None,
    *,
    by: User,
    now: datetime,
    wall_now: datetime,
    close_key: str = "",
) -> list[Order]:
    """Sell the account's shares of this symbol at the market: all, or `quantity` of them, those of the oldest lots
    first. close_key: unique for each sale; a request with that of an earlier one returns its orders, whatever has
    become of them. Raises NotClosed."""
    which = {"symbol": symbol}
    return close_lots(account, which, quantity, by=by, now=now, wall_now=wall_now, close_key=close_key)


def sold_with_key(user: User, close_key: str) -> list[Order]:
    """The orders of an earlier request with this key, in the accounts of the user's mode."""
    return list(user.orders.filter(account__mode=user.mode, close_key=close_key)) if close_key else []


def close_lot(
    account: BrokerAccount,
    entry_id: uuid.UUID,
    quantity: Decimal | None,
    *,
    by: User,
    now: datetime,
    wall_now: datetime,
    close_key: str = "",
) -> list[Order]:
    """The same for one lot. entry_id: the order that opened it."""
    which = {"opening_order": entry_id}
    return close_lots(account, which, quantity, by=by, now=now, wall_now=wall_now, close_key=close_key)


def close_lots(
    account: BrokerAccount,
    which: Mapping[str, object],
    quantity: Decimal | None,
    *,
    by: User,
    now: datetime,
    wall_now: datetime,
    close_key: str = "",
    request_digest: str = "",
) -> list[Order]:
    """The same for the lots with these fields. request_digest: of what was asked for with the key. Returns the
    orders that sell what was asked for. A repeated request returns those of the first one."""
    try:
        capabilities = broker_for(account, now).capabilities
    except NoBroker as error:
        raise NotClosed(str(error)) from None
    with transaction.atomic():
        locked = BrokerAccount.locked(account.pk)
        if close_key and (earlier := list(locked.orders.filter(close_key=close_key))):
            # With a digest the caller compares the whole request.
            if not request_digest and locked.orders.filter(close_key=close_key).exclude(**which).exists():
                raise NotClosed("This key was used for another request. Use a new key.")
            return earlier
        held = trades_of(locked, locked.mode).filter(exit_time=None, **which).select_related("opening_order")
        lots: list[Trade] = list(held.order_by("entry_time", "pk"))
        sales = sales_by_lot(locked, lots)
        if not lots:
            raise NotClosed("There are no shares to sell.")
        if quantity is not None and quantity < (total := sum((lot.open_quantity for lot in lots), ZERO)):
            # Without a key, a request that asks for the same is taken for a repeated one.
            if not close_key and (same := _same_request(lots, sales, quantity)):
                return same
            shares = shares_of_lots(lots, sales, quantity)
        elif quantity is not None and quantity - total >= DUST:
            raise NotClosed(f"Only {total.normalize():f} shares are held.", "quantity")
        else:
            shares = {lot.opening_order_id: lot.open_quantity for lot in lots}
        made = []
        for lot in lots:
            sold, working = shares.get(lot.opening_order_id, ZERO), sales.get(lot.opening_order_id, ())
            if not sold or any(_sells_all(order, lot) for order in working):
                continue
            part = None if sold >= lot.open_quantity else sold
            waits = bool(working)
            made.append(manual_exit(lot, capabilities, quantity=part, waits=waits, now=now, wall_now=wall_now))
        for order in made:
            order.close_key, order.request_digest = close_key, request_digest
        Order.objects.bulk_create(made)
        orders_made(made)
        if made:
            bump_version(locked.user_id)
            to_send = [order.pk for order in made if order.state == OrderState.PENDING]
            transaction.on_commit(lambda: enqueue_orders(to_send), robust=True)
            transaction.on_commit(lambda: enqueue_tick_now(locked.pk), robust=True)
        working = [
            order for lot in lots for order in sales.get(lot.opening_order_id, ()) if _sells_all(order, lot)
        ]
        if close_key and not made:  # so that a repeated request finds them when they have ended
            unnamed = Order.objects.filter(pk__in=[order.pk for order in working], close_key="")
            unnamed.update(close_key=close_key, request_digest=request_digest)
        if made:
            closed = {"orders": {str(order.pk): str(order) for order in made}}
            record_all([Entry(by, "close", locked, closed), *created(made, by)], wall_now)
    return [*working, *made]


def _sells_all(order: Order, lot: Trade) -> bool:
    return not (order.partial and order.open_quantity < lot.open_quantity)


def _same_request(lots: Sequence[Trade], sales: Sales, quantity: Decimal) -> list[Order]:
    """The working sales by hand, if together they sell just this many shares: the request was repeated."""
    working = [order for lot in lots for order in sales.get(lot.opening_order_id, ())]
    by_hand = [order for order in working if order.purpose == Order.Purpose.EXIT and order.signal_id is None]
    return by_hand if sum((order.quantity for order in by_hand), ZERO) == quantity else []


def shares_of_lots(lots: Sequence[Trade], sales: Sales, quantity: Decimal) -> dict[uuid.UUID, Decimal]:
    """How many shares of each lot to sell, the oldest first. Raises NotClosed."""
    if quantity <= 0:
        raise NotClosed("Enter a number of shares above zero.", "quantity")
    if quantity != round(quantity, PLACES):
        raise NotClosed(f"Enter at most {PLACES} decimals.", "quantity")
    if any(sales.get(lot.opening_order_id) for lot in lots):
        raise NotClosed("Shares of this position are being sold already. Wait for it, or cancel that order.")
    shares: dict[uuid.UUID, Decimal] = {}
    for lot in lots:
        sold = min(quantity, lot.open_quantity)
        whole = sold == sold.to_integral_value()
        if sold < lot.open_quantity and not whole and not lot.opening_order.fractional:
            raise NotClosed("These shares were bought as whole shares: enter a whole number.", "quantity")
        if sold > 0:
            shares[lot.opening_order_id] = sold
        quantity -= sold
    return shares
