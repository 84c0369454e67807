"""Protect what is held: read the lots of an account, plan, and apply the plan under the account's row lock."""

import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import OuterRef, Q, Subquery

from livetrading.brokers.protocol import BrokerOrder, Capabilities
from livetrading.journal import orders_made
from livetrading.models import BrokerAccount, Incident, Order, OrderState, SignalHistory
from livetrading.models.decision_code import DecisionCode
from livetrading.models.order import PROTECTIVE, TRAILS, WORKING, OrderType
from livetrading.models.trade import trades_of
from livetrading.pipeline.exit_retries import has_failed
from livetrading.pipeline.lot_orders import LotOrders, Market, Plan
from livetrading.pipeline.plan import REFUSED, plan
from livetrading.services.failed_exits import unwatched
from livetrading.services.order_audit import cancelled
from livetrading.services.order_audit import made as created
from livetrading.services.signal_codes import note_end
from tradedesk.audit.services import record_all
from tradedesk.core.bars import Bars
from tradedesk.core.money import DUST
from tradedesk.marketdata import sessions
from tradedesk.marketdata.library import closed
from tradedesk.marketdata.quotes import Series, load_readable


def protect(
    account: BrokerAccount,
    capabilities: Capabilities,
    working: Mapping[str, BrokerOrder],
    now: datetime,
    wall_now: datetime,
    held: Mapping[str, Decimal] | None = None,
    prices: Mapping[str, Decimal] | None = None,
) -> list[uuid.UUID]:
    """Bring the account's protective exits in line with its lots. working: the broker's working orders by
    client_order_id. held: the shares that it reports by symbol, None when it did not. prices: the newest ones that
    it knows of them. Returns the orders to send.
    Three queries when nothing has to change."""

    def planned() -> Plan:
        lots = read_lots(account)
        bars = _needed_bars(account.user_id, lots, capabilities, now)
        short_of = _short_of(account, lots, held or {}) if capabilities.sells_short else ()
        known = _comparable(prices or {}, held or {}, lots) if sessions.is_open(now) else {}
        return plan(lots, Market(capabilities, working, bars, now, wall_now, held, short_of, known))

    first = planned()
    if first.unwatched:
        unwatched(account, first.unwatched, now)
    if not first:
        return []
    with transaction.atomic():
        BrokerAccount.locked(account.pk)
        made = planned()
        for order, state, changes in made.moves:
            if not Order.move(order.pk, state, wall_now=wall_now, only_from=order.state, **changes):
                # A sender has claimed it meanwhile; the next tick plans with what came of that.
                transaction.set_rollback(True)
                return []
            note_end(order, state)
        for order, changes in made.updates:
            Order.objects.filter(pk=order.pk, state=order.state).update(**changes)
        for trade, price in made.raised:
            # Two ticks may have read different bars; the stop never falls.
            lots = trades_of(account, account.mode).filter(pk=trade.pk, exit_time=None, stop_price__lt=price)
            lots.update(stop_price=price)
        Order.objects.bulk_create(made.new)
        orders_made(made.new)
        if tried_again := [order.signal_id for order in made.new if order.signal_id is not None]:
            SignalHistory.objects.filter(pk__in=tried_again).update(code=DecisionCode.ORDERED)
        ended = cancelled((order, state, changes.get("reason", "")) for order, state, changes in made.moves)
        record_all([*ended, *created(made.new)], wall_now)
    to_send = [order.pk for order, state, _ in made.moves if state == OrderState.PENDING]
    return to_send + [order.pk for order in made.new if order.state == OrderState.PENDING]


def _short_of(account: BrokerAccount, lots: Iterable[LotOrders], held: Mapping[str, Decimal]) -> Collection[str]:
    """The symbols of which the broker has had fewer shares than these lots for a while, so that a difference is
    shown. A query only when there are fewer now."""
    fewer = [symbol for symbol, shares in _shares_of(lots).items() if held.get(symbol, Decimal(0)) < shares - DUST]
    if not fewer:
        return ()
    shown = account.incidents.filter(kind=Incident.Kind.POSITION, resolved_at=None, key__in=fewer)
    return list(shown.exclude(reported_at=None).values_list("key", flat=True))


def _comparable(
    prices: Mapping[str, Decimal], held: Mapping[str, Decimal], lots: Iterable[LotOrders]
) -> dict[str, Decimal]:
    """The prices of the symbols of which the broker has as many shares as these lots. With another number there
    may have been a split, and the price says nothing about a lot's stop."""
    ours = _shares_of(lots)
    return {
        symbol: price
        for symbol, price in prices.items()
        if symbol in ours and abs(held.get(symbol, Decimal(0)) - ours[symbol]) < DUST
    }


def _shares_of(lots: Iterable[LotOrders]) -> dict[str, Decimal]:
    """Of the open lots, by symbol."""
    shares: dict[str, Decimal] = {}
    for lot in lots:
        if lot.trade is not None:
            shares[lot.trade.symbol] = shares.get(lot.trade.symbol, Decimal(0)) + lot.trade.open_quantity
    return shares


def _needed_bars(
    user_id: int, lots: Iterable[LotOrders], capabilities: Capabilities, now: datetime
) -> dict[Series, Bars]:
    """The closed bars of the symbols with a trailing stop, or with exits that the broker does not watch, or not
    yet."""
    needed: dict[str, set[str]] = {}
    for lot in lots:
        partial = lot.trade is not None and lot.entry.state in WORKING and not capabilities.attached_exits_at_fill
        trails = lot.trade is not None and lot.trailing is not None
        if partial or trails or any(leg.state == OrderState.GUARDED for leg in lot.legs):
            needed.setdefault(lot.entry.timeframe, set()).add(lot.entry.symbol)
    return {
        (symbol, timeframe): closed(history, timeframe, now)
        for timeframe, symbols in needed.items()
        for symbol, history in load_readable(user_id, symbols, timeframe).items()
    }


def read_lots(account: BrokerAccount) -> list[LotOrders]:
    """Every open lot with its exits and the rule of its trailing stop, every working exit with its entry, and
    every working entry with fills; lots with a fill that is set aside are left out, because nobody knows what they
    hold. Three queries."""
    lots: dict[object, LotOrders] = {}
    exits = Order.objects.filter(opening_order=OuterRef("opening_order"), purpose=Order.Purpose.EXIT)
    # One that waits for its price ends no attempt to sell at the market.
    exits = exits.filter(type=OrderType.MARKET)
    newest = exits.order_by("-created_at", "-tries").values("pk")
    held = trades_of(account, account.mode).filter(exit_time=None).select_related("opening_order")
    newest_wholes, newest_exits = set(), set()
    # A sale of a part by hand says nothing about the one of the whole lot, which is made again besides it.
    whole = newest.filter(partial=False)
    for trade in held.annotate(newest_whole=Subquery(whole[:1]), newest_exit=Subquery(newest[:1])):
        lots[trade.opening_order_id] = LotOrders(trade.opening_order, trade)
        newest_wholes.add(trade.newest_whole)
        newest_exits.add(trade.newest_exit)
    filled_entry = Q(purpose=Order.Purpose.ENTRY, filled_quantity__gt=0, state__in=WORKING)
    working = Q(state__in=WORKING) & (filled_entry | Q(opening_order__isnull=False))
    refused = Q(state__in=REFUSED, opening_order__in=list(lots), purpose__in=PROTECTIVE)
    rules = TRAILS & Q(opening_order__in=list(lots))
    last = Q(pk__in=[pk for pk in newest_wholes | newest_exits if pk is not None])
    related = account.orders.filter(working | refused | rules | last).select_related("opening_order")
    for order in related.order_by("created_at", "pk"):
        entry_id = order.opening_order_id or order.pk
        if entry_id not in lots:
            lots[entry_id] = LotOrders(order.opening_order or order)
        lot = lots[entry_id]
        if order.trails:
            lot.trailing = order
        if order.purpose in PROTECTIVE:
            if order.state in (*WORKING, *REFUSED):
                lot.legs.append(order)
        elif order.purpose != Order.Purpose.ENTRY and order.state in WORKING:
            lot.exits.append(order)
        elif has_failed(order) and (order.pk in newest_wholes or (order.pk in newest_exits and not lot.failed)):
            lot.failed = order
    aside = Incident.objects.filter(account=account, kind=Incident.Kind.UNBOOKED_FILL, resolved_at=None)
    for order_id, opening_id in aside.values_list("order", "order__opening_order"):
        lots.pop(opening_id or order_id, None)
    return list(lots.values())
