"""What holds after every step, whatever the broker and the market do."""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from livetrading.brokers.protocol import BrokerFill
from livetrading.models import BrokerAccount, Incident, Order, OrderState
from livetrading.models.order import PROTECTIVE, STOPS, WORKING
from livetrading.models.trade import trades_of
from tests.livetrading.second_broker.broker import SecondBroker
from tradedesk.core.money import CENT, MICRO

ZERO = Decimal(0)


def check_books(account: BrokerAccount, broker: SecondBroker, start: Decimal) -> None:
    """Fills are booked once; lots, positions and cash follow from them; nothing is sold twice. start: the cash of
    the account at first."""
    account.refresh_from_db()
    orders = {order.client_order_id: order for order in account.orders.all()}
    taken = broker.fills[: int(account.fill_cursor or 0)]
    ours = {fill.activity_id: fill for fill in taken if fill.client_order_id in orders}
    aside = set(_open_incidents(account, Incident.Kind.UNBOOKED_FILL))
    booked = Counter(account.fills.values_list("activity_id", flat=True))
    assert booked == Counter(ours.keys() - aside)
    in_books = [ours[activity_id] for activity_id in booked]
    lots = _lots(account)
    assert lots == _shares(in_books, orders)
    paid = sum((activity.amount for activity in broker.activities[: int(account.activity_cursor or 0)]), ZERO)
    if account.booked_cash is not None:
        assert account.booked_cash == start + paid - _cost(in_books, orders)
    if not aside and len(ours) == len(broker.fills):
        assert lots == {symbol: shares for symbol, shares in broker.shares.items() if shares}
        if account.booked_cash is not None and len(broker.activities) == int(account.activity_cursor or 0):
            assert abs(account.booked_cash - broker.cash) < CENT
    _check_intents(list(orders.values()))
    if not aside:
        _check_market_sales(broker)


def check_protected(account: BrokerAccount) -> None:
    """After a tick: every open lot has a live order for each protective exit, or its sale is on its way."""
    for trade in trades_of(account, account.mode).filter(exit_time=None):
        orders = list(account.orders.filter(opening_order=trade.opening_order, state__in=WORKING))
        if any(order.type == "market" and not order.partial for order in orders):
            continue
        entry_ends = trade.opening_order.state == OrderState.CANCEL_PENDING
        for purposes, price in ((STOPS, trade.stop_price), ((Order.Purpose.TAKE_PROFIT,), trade.target_price)):
            live = [order for order in orders if order.purpose in purposes]
            assert live or price is None or entry_ends, f"{purposes[0]} is missing for {trade}"


def check_sales(account: BrokerAccount, broker: SecondBroker) -> None:
    """With everything sent: no more shares of a lot are on sale at the broker than it has. A stop and a target
    sell the same shares; what is being cancelled or replaced does not count."""
    replaced = set(account.orders.filter(state__in=WORKING).values_list("replaces__client_order_id", flat=True))
    states = dict(account.orders.values_list("client_order_id", "state"))
    for trade in trades_of(account, account.mode).select_related("opening_order"):
        on_sale = dict.fromkeys(("market", "stop", "limit"), ZERO)
        for order in broker.open_of(trade.opening_order.client_order_id):
            known = order.request.client_order_id
            if (
                order.state != "held"
                and known not in replaced
                and states[known] in ("accepted", "partially_filled")
            ):
                on_sale[order.request.type] += order.remaining
        assert on_sale["market"] + max(on_sale["stop"], on_sale["limit"]) <= trade.open_quantity, on_sale


def _check_market_sales(broker: SecondBroker) -> None:
    """Sales at the market are for shares that are there."""
    for entry, placed in broker.orders.items():
        sold = sum((order.filled for order in broker.orders.values() if order.closes == entry), ZERO)
        selling = sum((o.remaining for o in broker.open_of(entry) if o.request.type == "market"), ZERO)
        assert selling <= max(placed.filled - sold, ZERO), (selling, placed.filled, sold)


def _check_intents(orders: list[Order]) -> None:
    """One order for one intent: one exit for a lot at a time, and one for a part of it; and one order for each
    protective exit, or two of which one replaces the other."""
    live: dict[tuple[object, str, bool], list[Order]] = {}
    for order in orders:
        if order.opening_order_id is not None and order.state in WORKING:
            live.setdefault((order.opening_order_id, order.purpose, order.partial), []).append(order)
    for (_, purpose, _), found in live.items():
        assert len(found) <= (2 if purpose in PROTECTIVE else 1), found
        assert (
            len(found) == 1
            or found[0].pk in {o.replaces_id for o in found}
            or found[1].pk in {o.replaces_id for o in found}
        ), found
    sent = Counter(order.signal_id for order in orders if order.signal_id is not None)
    assert all(count == 1 for count in sent.values())


def _lots(account: BrokerAccount) -> dict[str, Decimal]:
    lots: dict[str, Decimal] = {}
    for trade in trades_of(account, account.mode).filter(exit_time=None):
        lots[trade.symbol] = lots.get(trade.symbol, ZERO) + trade.open_quantity
    return lots


def _shares(fills: Iterable[BrokerFill], orders: dict[str, Order]) -> dict[str, Decimal]:
    held: dict[str, Decimal] = {}
    for fill in fills:
        order = orders[fill.client_order_id]
        signed = fill.quantity if order.side == "buy" else -fill.quantity
        held[order.symbol] = held.get(order.symbol, ZERO) + signed
    return {symbol: shares for symbol, shares in held.items() if shares}


def _cost(fills: Iterable[BrokerFill], orders: dict[str, Order]) -> Decimal:
    """Dollars, each fill rounded as it is booked."""
    total = ZERO
    for fill in fills:
        amount = (fill.quantity * fill.price).quantize(MICRO)
        total += amount if orders[fill.client_order_id].side == "buy" else -amount
    return total


def _open_incidents(account: BrokerAccount, kind: str) -> list[str]:
    return list(account.incidents.filter(kind=kind, resolved_at=None).values_list("key", flat=True))
