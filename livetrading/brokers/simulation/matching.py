"""Matching of the simulated broker: pure, one bar time at a time, in the order of a backtest's bar.

1. exits at the open; 2. entries at the open, by priority descending, then symbol; 3. protective exits, on the
entry bar too; 4. trailing stops are raised, for the next bar. Prices, quantities and costs come from core.fills,
which the backtest's kernel calls as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tradedesk.core import fills
from tradedesk.core.money import round_money
from tradedesk.core.rules import Costs

Series = tuple[str, str]  # symbol, timeframe
OFF = float("inf")  # a distance of a rule that is off


@dataclass(frozen=True, slots=True)
class Prices:
    """One bar of one symbol."""

    open: float
    high: float
    low: float


@dataclass(slots=True)
class WorkingOrder:
    """A market order that is filled on its series' first bar at `first_bar` or later. closes: id of the entry
    whose lot an exit sells; "" for an entry."""

    id: str
    series: Series
    quantity: float
    first_bar: datetime
    closes: str = ""
    priority: float = 1.0
    fractional: bool = False
    stop_loss_distance: float | None = None
    take_profit_distance: float | None = None
    trailing_fraction: float = OFF
    trailing_dollars: float = OFF


@dataclass(slots=True)
class Lot:
    """Shares bought by one entry. stop, target: trigger prices, valid from the bar at `first_bar`.
    trailing_fraction, trailing_dollars: how the stop follows the highest price (core.fills.trailing_stop)."""

    id: str
    series: Series
    quantity: float
    first_bar: datetime
    stop: float | None
    target: float | None
    trailing_fraction: float = OFF
    trailing_dollars: float = OFF


@dataclass(frozen=True, slots=True)
class Execution:
    """The result of matching an order. kind: market, or stop_loss (any stop) and take_profit with the id of the
    lot. stop, target: the trigger prices of the lot. quantity 0: the order is cancelled, for the reason given."""

    id: str
    kind: str
    quantity: float
    price: float
    commission: float
    cash_change: float
    stop: float | None = None
    target: float | None = None
    reason: str = ""


@dataclass(slots=True)
class Book:
    """Cash, working orders and lots of one account between two bars."""

    cash: float
    costs: Costs
    orders: list[WorkingOrder] = field(default_factory=list)
    lots: dict[str, Lot] = field(default_factory=dict)


def match(book: Book, time: datetime, bars: Mapping[Series, Prices]) -> list[Execution]:
    """Match `book` against the bars of one `time`, and update it."""
    due = [order for order in book.orders if order.series in bars and order.first_bar <= time]
    book.orders = [order for order in book.orders if order not in due]
    exits = sorted((order for order in due if order.closes), key=lambda order: order.series)
    entries = sorted(
        (order for order in due if not order.closes), key=lambda order: (-order.priority, order.series)
    )
    executions = [_sell(book, order, bars[order.series]) for order in exits]
    executions += [_buy(book, order, time, bars[order.series]) for order in entries]
    executions += _protect(book, time, bars)
    return executions


def _sell(book: Book, order: WorkingOrder, bar: Prices) -> Execution:
    lot = book.lots.get(order.closes)
    if lot is None:
        return _cancelled(order.id, "The lot was already closed.")
    quantity = min(order.quantity, lot.quantity)
    price = fills.sell_price(bar.open, book.costs.slippage_bps)
    _reduce(book, lot, quantity)
    return _execution(book, order.id, "market", -quantity, price)


def _buy(book: Book, order: WorkingOrder, time: datetime, bar: Prices) -> Execution:
    costs = book.costs
    price = fills.buy_price(bar.open, costs.slippage_bps)
    quantity = fills.affordable(
        order.quantity,
        price,
        book.cash,
        costs.commission_per_order,
        costs.commission_per_share,
        costs.commission_bps,
        order.fractional,
    )
    if quantity <= 0.0:
        return _cancelled(order.id, f"The cash of ${book.cash:,.2f} is not enough for one share at ${price:,.2f}.")
    fixed, target = order.stop_loss_distance, order.take_profit_distance
    trailing = (order.trailing_fraction, order.trailing_dollars)
    level = max(fills.stop_price(price, OFF if fixed is None else fixed), fills.trailing_stop(price, *trailing))
    stop = None if level == -OFF else level
    target = None if target is None else fills.target_price(price, target)
    book.lots[order.id] = Lot(order.id, order.series, quantity, time, stop, target, *trailing)
    cut = "" if quantity == order.quantity else "Reduced to the quantity that the cash can pay for."
    return _execution(book, order.id, "market", quantity, price, stop, target, cut)


def _protect(book: Book, time: datetime, bars: Mapping[Series, Prices]) -> Iterator[Execution]:
    for lot in sorted(book.lots.values(), key=lambda lot: lot.series):
        if lot.series not in bars or lot.first_bar > time:
            continue
        bar = bars[lot.series]
        reason, price = fills.protective_exit(
            bar.open,
            bar.high,
            bar.low,
            0.0 if lot.stop is None else lot.stop,
            float("inf") if lot.target is None else lot.target,
            book.costs.slippage_bps,
        )
        if reason != fills.NO_EXIT:
            quantity = lot.quantity
            _reduce(book, lot, quantity)
            kind = fills.EXIT_REASONS[reason].value
            yield _execution(book, lot.id, kind, -quantity, price, lot.stop, lot.target)
        elif lot.stop is not None:
            raised = fills.trailing_stop(bar.high, lot.trailing_fraction, lot.trailing_dollars)
            lot.stop = max(lot.stop, raised)


def _reduce(book: Book, lot: Lot, quantity: float) -> None:
    lot.quantity = round_money(lot.quantity - quantity)
    if lot.quantity <= 0.0:
        del book.lots[lot.id]


def _execution(
    book: Book,
    id_: str,
    kind: str,
    signed_quantity: float,
    price: float,
    stop: float | None = None,
    target: float | None = None,
    reason: str = "",
) -> Execution:
    costs = book.costs
    commission = fills.commission(
        abs(signed_quantity), price, costs.commission_per_order, costs.commission_per_share, costs.commission_bps
    )
    cash_change = round_money(-signed_quantity * price - commission)
    book.cash = round_money(book.cash + cash_change)
    return Execution(id_, kind, abs(signed_quantity), price, commission, cash_change, stop, target, reason)


def _cancelled(id_: str, reason: str) -> Execution:
    return Execution(id_, "market", 0.0, 0.0, 0.0, 0.0, reason=reason)
