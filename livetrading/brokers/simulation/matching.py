"""Matching of the simulated broker: pure, one bar time at a time, in the order of a backtest's bar.

1. exits at the open; 2. entries at the open, by priority descending, then symbol; 3. sales that wait for a price;
4. protective exits, on the entry bar too; 5. trailing stops are raised, for the next bar. Prices, quantities and
costs come from core.fills, which the backtest's kernel calls as well.

An order that waits for a price may be filled inside a bar. What happened in that bar before is not known, so the
worse is taken: a lot that was bought at a limit meets no target in it, and a stop loss that the bar touched comes
before a sale at a limit. On its way up it comes to a target before a higher limit.
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
    """An order that is filled on its series' first bar at `first_bar` or later; one with a limit or a stop on the
    first of them that reaches it, at `last_bar` at the latest. closes: id of the entry whose lot an exit sells; ""
    for an entry."""

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
    limit: float | None = None
    stop: float | None = None
    last_bar: datetime | None = None

    @property
    def waits(self) -> bool:
        """Whether it waits for a price."""
        return self.limit is not None or self.stop is not None


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
    due = [order for order in book.orders if order.series in bars and _is_due(order, time)]
    exits = sorted((order for order in due if order.closes), key=lambda order: order.series)
    entries = sorted(
        (order for order in due if not order.closes),
        key=lambda order: (order.waits, -order.priority, order.series),
    )
    # Of those that wait, a stop first: it is the worse price.
    waiting = sorted((order for order in exits if order.waits), key=lambda order: order.stop is None)
    entered: dict[str, Prices] = {}
    executions = [_sell(book, order, bars[order.series]) for order in exits if not order.waits]
    executions += [_buy(book, order, time, bars[order.series], entered) for order in entries]
    executions += [_sell_waiting(book, order, bars[order.series]) for order in waiting]
    executions += _protect(book, time, bars, entered)
    made = [execution for execution in executions if execution is not None]
    filled = {execution.id for execution in made if execution.kind == "market"}
    book.orders = [order for order in book.orders if order.id not in filled]
    return made


def _is_due(order: WorkingOrder, time: datetime) -> bool:
    return order.first_bar <= time and (order.last_bar is None or time <= order.last_bar)


def _sell(book: Book, order: WorkingOrder, bar: Prices) -> Execution | None:
    lot = book.lots.get(order.closes)
    if lot is None:
        return _cancelled(order.id, "The lot was already closed.")
    costs = book.costs
    price = fills.waiting_sale(bar.open, bar.high, bar.low, order.limit, order.stop, costs.slippage_bps)
    if price is None:
        return None
    quantity = min(order.quantity, lot.quantity)
    _reduce(book, lot, quantity)
    return _execution(book, order.id, "market", -quantity, price)


def _sell_waiting(book: Book, order: WorkingOrder, bar: Prices) -> Execution | None:
    lot = book.lots.get(order.closes)
    stop = None if lot is None else lot.stop
    if stop is not None and bar.low <= stop and not (order.stop is not None and order.stop > stop):
        return None  # the stop loss of the lot sells it
    target = OFF if lot is None or lot.target is None else lot.target
    if order.limit is not None and bar.open < order.limit and target < order.limit and target <= bar.high:
        return None  # the price comes to its target first
    return _sell(book, order, bar)


def _buy(
    book: Book, order: WorkingOrder, time: datetime, bar: Prices, entered: dict[str, Prices]
) -> Execution | None:
    """entered: the part of this bar that a lot has seen, where it was bought inside the bar."""
    costs = book.costs
    reached = fills.waiting_buy(bar.open, bar.high, bar.low, order.limit, order.stop, costs.slippage_bps)
    if reached is None:
        return None
    price, inside = reached
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
    if inside:
        entered[order.id] = Prices(price, price if order.limit is not None else max(bar.high, price), bar.low)
    cut = "" if quantity == order.quantity else "Reduced to the quantity that the cash can pay for."
    return _execution(book, order.id, "market", quantity, price, stop, target, cut)


def _protect(
    book: Book, time: datetime, bars: Mapping[Series, Prices], entered: Mapping[str, Prices]
) -> Iterator[Execution]:
    for lot in sorted(book.lots.values(), key=lambda lot: lot.series):
        if lot.series not in bars or lot.first_bar > time:
            continue
        bar = entered.get(lot.id, bars[lot.series])
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
