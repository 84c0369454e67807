"""The books of live strategies: their open lots, their working orders and their realized profit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from livetrading.models import BrokerAccount, Incident, LiveStrategy, Order
from livetrading.models.order import WORKING
from livetrading.models.trade import Trade, trades_of


@dataclass(frozen=True, slots=True)
class StrategyBook:
    """lots: open trades by symbol. exiting, entering: symbols with a working exit of the whole lot, or a working
    entry. selling_part: symbols with a working exit by hand of a part of the lot. realized: dollars after
    commissions, including the entry commissions of the open lots."""

    lots: dict[str, Trade] = field(default_factory=dict)
    exiting: set[str] = field(default_factory=set)
    selling_part: set[str] = field(default_factory=set)
    entering: set[str] = field(default_factory=set)
    realized: float = 0.0

    def open_positions(self) -> int:
        """The number of positions that count against max_positions: lots without a working exit, and working
        entries."""
        return len((self.lots.keys() - self.exiting) | self.entering)

    def unrealized(self, closes: Mapping[str, float]) -> float:
        """Dollars. closes: closing price by symbol; a lot without one counts at what was paid."""
        return sum(
            float(lot.open_quantity) * (closes.get(symbol, float(lot.entry_price)) - float(lot.entry_price))
            for symbol, lot in self.lots.items()
        )


def read_books(
    account: BrokerAccount, strategies: Iterable[LiveStrategy], *, without: Order | None = None
) -> dict[int, StrategyBook]:
    """The books of these strategies of one account, by their ids. Three queries; `without` leaves out one order.

    An order with a fill that is set aside counts as working, because its shares are bought or sold and not booked.
    """
    books = {live.pk: StrategyBook(realized=float(live.realized_pnl)) for live in strategies}
    for trade in trades_of(account, account.mode).filter(live_strategy__in=list(books), exit_time=None):
        books[trade.live_strategy_id or 0].lots[trade.symbol] = trade
    working = account.orders.filter(
        live_strategy__in=list(books),
        state__in=WORKING,
        purpose__in=(Order.Purpose.ENTRY, Order.Purpose.EXIT),
    )
    if without is not None:
        working = working.exclude(pk=without.pk)
    aside = account.orders.filter(
        live_strategy__in=list(books),
        incidents__kind=Incident.Kind.UNBOOKED_FILL,
        incidents__resolved_at=None,
    )
    columns = ("live_strategy_id", "purpose", "symbol", "partial")
    for live_id, purpose, symbol, partial in [*working.values_list(*columns), *aside.values_list(*columns)]:
        book = books[live_id or 0]
        exits = book.selling_part if partial else book.exiting
        (book.entering if purpose == Order.Purpose.ENTRY else exits).add(symbol)
    return books
