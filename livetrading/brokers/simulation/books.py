"""The simulated broker's records in the database: reading what to match, and recording each execution."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from livetrading.brokers.simulation.matching import OFF, Book, Execution, Lot, Prices, Series, WorkingOrder, match
from livetrading.models import PaperAccount, PaperFill, PaperOrder
from livetrading.models.signal import OrderSide
from tradedesk.bulk import update_columns
from tradedesk.core.bars import Bars, to_datetime, to_datetime64
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.library import closed
from tradedesk.marketdata.quotes import load_readable
from tradedesk.marketdata.sessions import bar_close, bar_open

STOP, TARGET, MARKET = PaperOrder.Kind.STOP_LOSS, PaperOrder.Kind.TAKE_PROFIT, PaperOrder.Kind.MARKET
WORKING, FILLED, CANCELLED = PaperOrder.Status.WORKING, PaperOrder.Status.FILLED, PaperOrder.Status.CANCELLED
# Market time after its end in which the last bar of an order that waits for a price may still arrive.
LATE_BARS = timedelta(minutes=5)


def fill_from_bars(account: PaperAccount, now: datetime, epoch: int) -> None:
    """Match the account's working orders and lots against every bar closed by `now` that was not matched
    before. Those of a symbol without readable bars wait; the others are matched."""
    if not account.orders.filter(status=WORKING).exists():
        return
    with transaction.atomic():
        # The row lock serializes two matchers of one account; the second one finds nothing to match.
        account = (
            PaperAccount.objects.select_for_update(of=("self",))
            .select_related("broker_account")
            .get(pk=account.pk)
        )
        if account.broker_account.epoch != epoch:
            return  # the records were emptied, and `now` is of the time before
        orders = {order.client_order_id: order for order in account.orders.filter(status=WORKING)}
        lots = {lot.client_order_id: lot for lot in account.orders.filter(open_quantity__gt=0)}
        known = _closed_bars(account.broker_account.user_id, [*orders.values(), *lots.values()], now)
        cash, book = account.cash, _open_book(account, orders.values(), lots, known, now)
        seen: dict[Series, datetime] = {}
        for time, bars in _unmatched_bars(book, known):
            seen |= dict.fromkeys(bars, time)
            for execution in match(book, time, bars):
                _record_execution(account, orders, lots, execution, time)
            legs = account.orders.exclude(kind=MARKET).filter(status=WORKING)
            _note_matched(legs, bars, time)
        update_columns(_raised_stops(book, orders, lots), ["trigger_price"])
        waiting = account.orders.filter(kind=MARKET, status=WORKING).exclude(limit_price=None, stop_price=None)
        for time in sorted(set(seen.values())):
            _note_matched(waiting, [series for series, last in seen.items() if last == time], time)
        _expire(account, book, orders, known, now)
        if account.cash != cash:
            account.save(update_fields=["cash"])


def _note_matched(orders: "QuerySet[PaperOrder]", series: Iterable[Series], time: datetime) -> None:
    """One query for each timeframe, of which the bars of one time have one."""
    symbols: dict[str, list[str]] = {}
    for symbol, timeframe in series:
        symbols.setdefault(timeframe, []).append(symbol)
    for timeframe, own in symbols.items():
        orders.filter(symbol__in=own, timeframe=timeframe).update(matched_until=time)


def _expire(
    account: PaperAccount,
    book: Book,
    orders: Mapping[str, PaperOrder],
    known: Mapping[Series, Bars],
    now: datetime,
) -> None:
    """End the orders whose time is over, once the bars until then are there."""
    ended = []
    for order in book.orders:
        until = orders[order.id].good_until
        if until is None or now < until:
            continue
        bars = known.get(order.series)
        complete = bars is not None and len(bars) and _close_of_newest(bars, order.series[1]) >= until
        if complete or now > until + LATE_BARS:
            ended.append(order.id)
    if ended:
        account.orders.filter(client_order_id__in=ended).update(
            status=PaperOrder.Status.EXPIRED, reason="Its price was not reached before it expired."
        )


def _close_of_newest(bars: Bars, timeframe: str) -> datetime:
    return to_datetime(bar_close(bars.time[-1:], timeframe)[0])


def _raised_stops(book: Book, orders: dict[str, PaperOrder], lots: dict[str, PaperOrder]) -> list[PaperOrder]:
    """The stops of the open lots whose price was raised, with their new prices."""
    raised = []
    for id_, lot in book.lots.items():
        leg = orders.get(lots[id_].stop_loss_id)
        if leg is not None and lot.stop is not None and leg.trigger_price != (price := to_decimal(lot.stop)):
            leg.trigger_price = price
            raised.append(leg)
    return raised


def _closed_bars(user_id: int, orders: Iterable[PaperOrder], now: datetime) -> Mapping[Series, Bars]:
    """The closed bars that this user reads of all symbols with readable bars. One query for each timeframe."""
    symbols: dict[str, set[str]] = {}
    for order in orders:
        symbols.setdefault(order.timeframe, set()).add(order.symbol)
    return {
        (symbol, timeframe): closed(history, timeframe, now)
        for timeframe, wanted in symbols.items()
        for symbol, history in load_readable(user_id, wanted, timeframe).items()
    }


def _open_book(
    account: PaperAccount,
    orders: Iterable[PaperOrder],
    lots: dict[str, PaperOrder],
    known: Mapping[Series, Bars],
    now: datetime,
) -> Book:
    book = Book(cash=float(account.cash), costs=account.costs())
    legs_by_entry: dict[str, dict[str, PaperOrder]] = {}
    for order in orders:
        if order.kind != MARKET:
            legs_by_entry.setdefault(order.closes, {})[order.kind] = order
            continue
        bars = known.get((order.symbol, order.timeframe))
        book.orders.append(
            WorkingOrder(
                id=order.client_order_id,
                series=(order.symbol, order.timeframe),
                quantity=float(order.quantity),
                first_bar=_first_bar(order, bars, now),
                last_bar=_last_bar(order, bars),
                limit=None if order.limit_price is None else float(order.limit_price),
                stop=None if order.stop_price is None else float(order.stop_price),
                closes=order.closes,
                priority=order.priority,
                fractional=order.fractional,
                stop_loss_distance=order.stop_loss_distance,
                take_profit_distance=order.take_profit_distance,
                **_trailing(order),
            )
        )
    for id_, lot in lots.items():
        legs = legs_by_entry.get(id_, {})
        matched = max((leg.matched_until for leg in legs.values() if leg.matched_until), default=lot.accepted_at)
        book.lots[id_] = Lot(
            id=id_,
            series=(lot.symbol, lot.timeframe),
            quantity=float(lot.open_quantity),
            first_bar=matched + timedelta(microseconds=1),
            stop=_trigger(legs.get(STOP)),
            target=_trigger(legs.get(TARGET)),
            **_trailing(lot),
        )
    return book


def _trailing(entry: PaperOrder) -> dict[str, float]:
    """How the stop of this entry's lot trails."""
    fraction, dollars = entry.trailing_fraction, entry.trailing_dollars
    return {
        "trailing_fraction": OFF if fraction is None else fraction,
        "trailing_dollars": OFF if dollars is None else float(dollars),
    }


def _trigger(leg: PaperOrder | None) -> float | None:
    return None if leg is None or leg.trigger_price is None else float(leg.trigger_price)


def _first_bar(order: PaperOrder, bars: Bars | None, now: datetime) -> datetime:
    """Time of the first of these bars that opened when the order was accepted or later; after `now` when there is
    none yet."""
    later = now + timedelta(days=1)
    if bars is None:
        return later
    # The time of a dated bar is midnight of its first day, which may be days before its first session.
    since = order.accepted_at - timedelta(days=7)
    times = bars.since(since).time
    row = int(np.searchsorted(bar_open(times, order.timeframe), to_datetime64(order.accepted_at)))
    if order.matched_until is not None:
        row = max(row, int(np.searchsorted(times, to_datetime64(order.matched_until), side="right")))
    return to_datetime(times[row]) if row < len(times) else later


def _last_bar(order: PaperOrder, bars: Bars | None) -> datetime | None:
    """Time of the last of these bars that opens while the order is good; None for one that no time ends."""
    if order.good_until is None:
        return None
    times = (
        np.array([], "datetime64[us]") if bars is None else bars.since(order.accepted_at - timedelta(days=7)).time
    )
    rows = int(np.searchsorted(bar_open(times, order.timeframe), to_datetime64(order.good_until), side="left"))
    return to_datetime(times[rows - 1]) if rows else order.accepted_at - timedelta(days=7)


def _unmatched_bars(book: Book, known: Mapping[Series, Bars]) -> list[tuple[datetime, dict[Series, Prices]]]:
    """The bars to match the book against, grouped by bar time, in the order of their closes. A lot without exits
    waits for no bar."""
    first: dict[Series, datetime] = {}
    protected = (lot for lot in book.lots.values() if lot.stop is not None or lot.target is not None)
    waiting: list[WorkingOrder | Lot] = [*book.orders, *protected]
    for item in waiting:
        first[item.series] = min(item.first_bar, first.get(item.series, item.first_bar))
    groups: dict[tuple[np.datetime64, str, datetime], dict[Series, Prices]] = {}
    for (symbol, timeframe), moment in first.items():
        bars = known.get((symbol, timeframe))
        if bars is None:
            continue
        bars = bars[int(np.searchsorted(bars.time, to_datetime64(moment), side="left")) :]
        for row, close in enumerate(bar_close(bars.time, timeframe)):
            prices = Prices(float(bars.open[row]), float(bars.high[row]), float(bars.low[row]))
            key = (close, timeframe, to_datetime(bars.time[row]))
            groups.setdefault(key, {})[(symbol, timeframe)] = prices
    return [(key[2], groups[key]) for key in sorted(groups)]


def _record_execution(
    account: PaperAccount,
    orders: dict[str, PaperOrder],
    lots: dict[str, PaperOrder],
    execution: Execution,
    time: datetime,
) -> None:
    """Record one execution: order, lot, cash and fill."""
    if execution.kind == MARKET:
        order = orders[execution.id]
        lot = lots.get(order.closes) if order.closes else None
    else:
        lot = lots[execution.id]
        order = orders[_leg_id(lot, execution.kind)]
        price = execution.stop if execution.kind == STOP else execution.target
        order.trigger_price = None if price is None else to_decimal(price)
    order.reason = execution.reason
    if execution.quantity == 0:
        order.status = CANCELLED
        order.save(update_fields=["status", "reason"])
        return
    quantity = to_decimal(execution.quantity)
    order.status, order.filled_quantity = FILLED, quantity
    cash_change = to_decimal(execution.cash_change)
    account.cash += cash_change
    if lot is not None:
        lot.open_quantity -= quantity
        lot.save(update_fields=["open_quantity"])
        if lot.open_quantity == 0:
            legs = account.orders.filter(closes=lot.client_order_id, status=WORKING).exclude(pk=order.pk)
            legs.exclude(kind=MARKET).update(status=CANCELLED, reason="The lot was closed.")
    elif not order.closes:
        order.open_quantity = quantity
        lots[order.client_order_id] = order
        for leg in _legs(account, order, execution, time):
            orders[leg.client_order_id] = leg
    order.save(update_fields=["status", "reason", "filled_quantity", "open_quantity", "trigger_price"])
    PaperFill.objects.create(
        account=account,
        order=order,
        bar_time=time,
        quantity=quantity,
        price=to_decimal(execution.price),
        commission=to_decimal(execution.commission),
        cash_change=cash_change,
        cash_after=account.cash,
    )


def _leg_id(entry: PaperOrder, kind: str) -> str:
    """The id that the entry was sent with for its stop or its target."""
    return entry.stop_loss_id if kind == STOP else entry.take_profit_id


def _legs(account: PaperAccount, entry: PaperOrder, execution: Execution, time: datetime) -> Iterable[PaperOrder]:
    for kind, price in ((STOP, execution.stop), (TARGET, execution.target)):
        if price is None:
            continue
        yield account.orders.create(
            client_order_id=_leg_id(entry, kind),
            kind=kind,
            closes=entry.client_order_id,
            symbol=entry.symbol,
            timeframe=entry.timeframe,
            side=OrderSide.SELL,
            quantity=to_decimal(execution.quantity),
            fractional=entry.fractional,
            trigger_price=to_decimal(price),
            accepted_at=time,
            matched_until=time,
        )
