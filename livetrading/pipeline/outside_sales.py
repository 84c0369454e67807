"""Record a sale that was made at the broker outside the desk, because its owner says so.

The desk never adopts a difference by itself (decision 13). Where the broker holds fewer shares than the records
for some time, the owner can say at which price the missing ones were sold: they are booked as sold, and nothing
is sent to the broker.
"""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction

from livetrading.brokers.protocol import BrokerFill
from livetrading.journal import fill_booked
from livetrading.models import BrokerAccount, Fill, Incident, Order, OrderState
from livetrading.models.account import BOOKED
from livetrading.models.order import OrderType, TimeInForce
from livetrading.models.position import position_model
from livetrading.models.signal import OrderSide
from livetrading.models.trade import Trade, trades_of
from livetrading.pipeline.lots import book_fill
from livetrading.services.notifications import notify_fill
from livetrading.services.order_audit import facts_of
from livetrading.services.order_audit import made as created
from tradedesk.accounts.changes import bump_version
from tradedesk.accounts.models import User
from tradedesk.audit.services import Entry, record_all
from tradedesk.core.money import DUST, MICRO

# A fill of the desk's own order may reach it so much later than the broker's shares have changed.
SETTLED_AFTER = timedelta(minutes=5)
MOST_DOLLARS = Decimal(10_000_000)
_ON_THEIR_WAY = (OrderState.SUBMITTING, OrderState.UNKNOWN, OrderState.CANCEL_PENDING)
_AT_WORK = (OrderState.PENDING, OrderState.ACCEPTED, OrderState.PARTIALLY_FILLED, *_ON_THEIR_WAY)


class NotRecorded(Exception):
    """Nothing was booked; the message can be shown to a person. field: what was wrong with the request, "" when it
    does not fit what is held now."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def missing_shares(account: BrokerAccount, symbol: str, now: datetime) -> Decimal:
    """The shares that the broker holds less than the records, as a difference that has lasted. Raises NotRecorded
    when there is none, and while a fill of the desk's own orders may explain it."""
    kinds = Incident.Kind
    incidents = account.incidents.filter(resolved_at=None)
    incident = incidents.filter(kind=kinds.POSITION, key=symbol).exclude(reported_at=None).first()
    own = position_model(account)._default_manager.filter(account=account, symbol=symbol).first()
    # Once booked, the difference is followed with the next report.
    followed = incident is not None and own is not None and own.quantity == Decimal(incident.facts.get("own", 0))
    if incident is None or not followed or incident.missing < DUST:
        raise NotRecorded(f"The broker does not hold fewer shares of {symbol} than the desk's records.")
    if now - incident.first_seen_at < SETTLED_AFTER:
        minutes = int(SETTLED_AFTER.total_seconds() / 60)
        raise NotRecorded(
            f"The difference is less than {minutes} minutes old, so a fill may explain it. Try again later."
        )
    orders = account.orders.filter(symbol=symbol, side=OrderSide.SELL)
    sales = orders.filter(purpose=Order.Purpose.EXIT, state__in=_AT_WORK)
    if sales.exists() or orders.filter(state__in=_ON_THEIR_WAY).exists():
        raise NotRecorded(f"A sale of {symbol} is working: cancel it first, or wait until it ends.")
    if incidents.filter(kind=kinds.UNBOOKED_FILL, order__symbol=symbol).exists():
        raise NotRecorded(f"A fill of {symbol} is not booked yet, which may explain it. See the incidents.")
    return incident.missing


def record_sale(
    account: BrokerAccount, symbol: str, price: Decimal, *, by: User, now: datetime, wall_now: datetime
) -> list[Order]:
    """Book the missing shares as sold at `price`, in dollars, those of the oldest lots first. Returns the orders
    that stand for the sale. Raises NotRecorded."""
    price = price.quantize(MICRO) if 0 < price <= MOST_DOLLARS else Decimal(0)
    if price <= 0:
        raise NotRecorded(f"Enter the price of a share, up to ${MOST_DOLLARS:,.0f}.", "price")
    with transaction.atomic():
        # Fills and the differences from the broker are stored under this lock as well.
        locked = BrokerAccount.locked(account.pk)
        missing = missing_shares(locked, symbol, now)
        sold = [_book(locked, lot, shares, price, now, wall_now) for lot, shares in _lots(locked, symbol, missing)]
        locked.save(update_fields=BOOKED)
        orders = [order for order, _ in sold]
        said = [Entry(by, "sale_recorded", order, {"what": str(order)} | facts_of(fill)) for order, fill in sold]
        record_all([*created(orders, by), *said], wall_now)
    bump_version(account.user_id)
    return orders


def _lots(account: BrokerAccount, symbol: str, missing: Decimal) -> Iterator[tuple[Trade, Decimal]]:
    lots: list[Trade] = list(
        trades_of(account, account.mode)
        .filter(symbol=symbol, exit_time=None)
        .select_related("opening_order")
        .order_by("entry_time", "pk")
    )
    for lot in lots:
        shares = min(missing, lot.open_quantity)
        if shares < DUST:
            return
        yield lot, shares
        missing -= shares


def _book(
    account: BrokerAccount, lot: Trade, shares: Decimal, price: Decimal, now: datetime, wall_now: datetime
) -> tuple[Order, BrokerFill]:
    order_id = uuid.uuid4()
    order = Order(
        id=order_id,
        # Not the prefix of what the desk has sent: no broker has this order.
        client_order_id=f"outside-{order_id.hex}",
        user_id=lot.user_id,
        account=account,
        live_strategy_id=lot.live_strategy_id,
        symbol=lot.symbol,
        timeframe=lot.timeframe,
        side=OrderSide.SELL,
        purpose=Order.Purpose.EXIT,
        type=OrderType.MARKET,
        time_in_force=TimeInForce.DAY,
        quantity=shares,
        partial=shares < lot.open_quantity,
        fractional=lot.opening_order.fractional,
        opening_order=lot.opening_order,
        state=OrderState.FILLED,
        reason="Sold outside the desk, as its owner has recorded.",
        filled_quantity=shares,
        filled_price=price,
        created_at=now,
        state_changed_at=wall_now,
    )
    order.save(force_insert=True)
    fill = BrokerFill(
        activity_id=order.client_order_id,
        client_order_id=order.client_order_id,
        quantity=shares,
        price=price,
        commission=Decimal(0),
        time=now,
    )
    Fill.objects.create(
        account=account, order=order, activity_id=fill.activity_id, time=now, quantity=shares, price=price
    )
    trade = book_fill(account, order, fill, now)
    notify_fill(order, fill, trade, now)
    fill_booked(order, fill)
    return order, fill
