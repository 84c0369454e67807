"""The orders of an account that are in flight: entries that will cost money, and exits that will free some."""

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from livetrading.brokers.protocol import Capabilities
from livetrading.models import BrokerAccount, Order
from livetrading.models.order import WORKING, OrderType
from livetrading.pipeline.funds import Funds, reserve_of


@dataclass(frozen=True, slots=True)
class InFlight:
    """A working entry, or a working exit of a lot. shares: not filled yet. price: dollars, of the bar of its
    signal, or of the decision by hand; 0 for an order without either. lot: the entry that an exit closes; whole:
    whether it closes all of it."""

    live_id: int | None
    client_order_id: str
    symbol: str
    is_entry: bool
    shares: float
    price: float
    lot: uuid.UUID | None
    whole: bool


def read_in_flight(account: BrokerAccount, without: Order | None = None) -> list[InFlight]:
    """One query. without: an order to leave out."""
    selling = Q(purpose=Order.Purpose.EXIT, type=OrderType.MARKET)  # another may wait for its price for long
    working = account.orders.filter(Q(purpose=Order.Purpose.ENTRY) | selling, state__in=WORKING)
    if without is not None:
        working = working.exclude(pk=without.pk)
    rows = working.order_by().values_list(
        "live_strategy_id",
        "client_order_id",
        "symbol",
        "purpose",
        "quantity",
        "filled_quantity",
        "signal__price",
        "reference_price",
        "filled_price",
        "opening_order_id",
        "partial",
    )
    return [
        InFlight(
            live_id=live_id,
            client_order_id=client_order_id,
            symbol=symbol,
            is_entry=purpose == Order.Purpose.ENTRY,
            shares=float(quantity - filled),
            price=float(price or by_hand or paid or Decimal(0)),
            lot=lot,
            whole=not partial,
        )
        for live_id, client_order_id, symbol, purpose, quantity, filled, price, by_hand, paid, lot, partial in rows
    ]


def funds_of(
    account: BrokerAccount, in_flight: Iterable[InFlight], capabilities: Capabilities, reported: Collection[str]
) -> Funds:
    """account: under its row lock, so that no other check reserves meanwhile. reported: the client_order_ids of
    the orders that the broker reported as working, which a broker that reserves by itself has deducted already.

    Fills that were booked after the broker's report are deducted: their orders reserve nothing any more.
    """
    funds = Funds(None, capabilities.reduces_entries)
    if account.buying_power is not None:
        spent = (account.cash or Decimal(0)) - (account.booked_cash or Decimal(0))
        funds.buying_power = float(account.buying_power - max(spent, Decimal(0)))
    for order in in_flight:
        if not order.is_entry:
            funds.proceeds += order.shares * order.price
        elif not (capabilities.reserves_buying_power and order.client_order_id in reported):
            funds.reserve(order.live_id, reserve_of(order.shares, order.price))
    return funds
