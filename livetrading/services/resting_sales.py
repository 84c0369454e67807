"""Sales by hand that wait for a price: a limit, or a stop.

They sell a part of a lot or all of it, and every other sale of the lot goes first: a signal, a halt, a protective
exit, a sale at the market. Where orders lock shares at the broker, the desk guards the lot's exits meanwhile.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum

from livetrading.journal import orders_made
from livetrading.models import BrokerAccount, Order, OrderState
from livetrading.models.order import WORKING, OrderType, TimeInForce
from livetrading.models.trade import Trade, trades_of
from livetrading.services.accounts import NoBroker, broker_for
from livetrading.services.closing import NotClosed, shares_of_lots
from livetrading.services.manual_exits import manual_exit, sales_by_lot
from livetrading.services.order_audit import made as created
from livetrading.services.queue import enqueue_orders, enqueue_tick_now
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import Entry, record_all

ZERO = Decimal(0)


def rest_sale(
    account: BrokerAccount,
    which: Mapping[str, object],
    quantity: Decimal,
    *,
    waiting: Mapping[str, object],
    good_until: Callable[[str], datetime],
    by: User,
    now: datetime,
    wall_now: datetime,
    close_key: str = "",
    request_digest: str = "",
) -> list[Order]:
    """Make one order for each of the lots with these fields, the oldest first, until `quantity` shares are for
    sale. waiting: type, prices and time in force of the orders. good_until: by the timeframe of a lot, whose bars
    fill its order in the simulation. A repeated key returns the orders of the first
    request. Raises NotClosed."""
    try:
        capabilities = broker_for(account, now).capabilities
    except NoBroker as error:
        raise NotClosed(str(error)) from None
    with transaction.atomic():
        locked = BrokerAccount.locked(account.pk)
        if close_key and (earlier := list(locked.orders.filter(close_key=close_key))):
            return earlier
        held = trades_of(locked, locked.mode).filter(exit_time=None, **which).select_related("opening_order")
        lots: list[Trade] = list(held.order_by("entry_time", "pk"))
        free = _free_shares(locked, lots)
        made = []
        for lot, shares in _shares(locked, lots, free, quantity):
            in_parts = shares != shares.to_integral_value()
            if in_parts and waiting["time_in_force"] != TimeInForce.DAY and not locked.is_simulation:
                raise NotClosed("Parts of a share are sold in an order for the day only.", "time_in_force")
            order = manual_exit(lot, capabilities, quantity=shares, now=now, wall_now=wall_now)
            for name, value in waiting.items():
                setattr(order, name, value)
            order.valid_until = good_until(lot.timeframe)
            order.close_key, order.request_digest = close_key, request_digest
            made.append(order)
        Order.objects.bulk_create(made)
        orders_made(made)
        bump_version(locked.user_id)
        to_send = [order.pk for order in made if order.state == OrderState.PENDING]
        transaction.on_commit(lambda: enqueue_orders(to_send), robust=True)
        transaction.on_commit(lambda: enqueue_tick_now(locked.pk), robust=True)
        what = {"orders": {str(order.pk): str(order) for order in made}}
        record_all([Entry(by, "manual_order", locked, what), *created(made, by)], wall_now)
    return made


def _free_shares(account: BrokerAccount, lots: Sequence[Trade]) -> dict[object, Decimal]:
    """The shares of each lot that no sale of this kind is for, by its entry. One query."""
    entries = [lot.opening_order_id for lot in lots]
    resting = account.orders.filter(
        opening_order__in=entries, purpose=Order.Purpose.EXIT, state__in=WORKING
    ).exclude(type=OrderType.MARKET)
    taken = (
        resting.order_by().values("opening_order").annotate(shares=Sum("quantity"), sold=Sum("filled_quantity"))
    )
    for_sale = {row["opening_order"]: row["shares"] - row["sold"] for row in taken}
    return {lot.opening_order_id: lot.open_quantity - for_sale.get(lot.opening_order_id, ZERO) for lot in lots}


def _shares(
    account: BrokerAccount, lots: Sequence[Trade], free: Mapping[object, Decimal], quantity: Decimal
) -> list[tuple[Trade, Decimal]]:
    """How many shares of each lot to sell, the oldest first. Raises NotClosed."""
    if not lots:
        raise NotClosed("There are no shares to sell.")
    total = sum((max(shares, ZERO) for shares in free.values()), ZERO)
    if quantity > total:
        raise NotClosed(f"Only {total.normalize():f} shares are not for sale already.", "quantity")
    shares_of_lots(lots, sales_by_lot(account, lots), quantity)  # raises what refuses a sale of a part
    found = []
    for lot in lots:
        shares = min(quantity, max(free[lot.opening_order_id], ZERO))
        if shares > 0:
            found.append((lot, shares))
        quantity -= shares
    return found
