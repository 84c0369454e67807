"""A live strategy's own book: the lots it holds, what is on its way, and what it has earned."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from livetrading.models import LiveStrategy, LiveTrade, Order, PaperTrade
from livetrading.models.order import WORKING
from livetrading.models.trade import BaseTrade
from tradedesk.accounts.models import Mode

TRADES: dict[str, type[BaseTrade]] = {Mode.PAPER: PaperTrade, Mode.LIVE: LiveTrade}


@dataclass(frozen=True, slots=True)
class StrategyBook:
    """lots: open trades by symbol. exiting, entering: symbols with an exit, an entry on its way. realized:
    dollars, after commissions, of everything sold so far and of the commissions of what is still held."""

    lots: Mapping[str, BaseTrade]
    exiting: frozenset[str]
    entering: frozenset[str]
    realized: float

    def open_positions(self) -> int:
        """Positions that count against max_positions: held and not about to be sold, and on their way."""
        return len((set(self.lots) - self.exiting) | self.entering)

    def unrealized(self, closes: Mapping[str, float]) -> float:
        """Dollars, at these closing prices by symbol."""
        return sum(
            float(lot.open_quantity) * (closes[symbol] - float(lot.entry_price))
            for symbol, lot in self.lots.items()
        )


def trades_of(live: LiveStrategy) -> Any:
    """The queryset of the live strategy's trades, paper or live by its mode."""
    return TRADES[live.mode]._default_manager.filter(live_strategy=live)


def read_book(live: LiveStrategy, *, without: Order | None = None) -> StrategyBook:
    """The strategy's book as it stands; `without` leaves one working order out of the count."""
    trades = trades_of(live)
    working = Order.objects.filter(live_strategy=live, state__in=WORKING)
    if without is not None:
        working = working.exclude(pk=without.pk)
    purposes = working.filter(purpose__in=(Order.Purpose.ENTRY, Order.Purpose.EXIT))
    moving = {purpose: set[str]() for purpose in Order.Purpose}
    for purpose, symbol in purposes.values_list("purpose", "symbol"):
        moving[Order.Purpose(purpose)].add(symbol)
    return StrategyBook(
        lots={trade.symbol: trade for trade in trades.filter(exit_time=None)},
        exiting=frozenset(moving[Order.Purpose.EXIT]),
        entering=frozenset(moving[Order.Purpose.ENTRY]),
        realized=float(trades.aggregate(total=Sum("pnl"))["total"] or 0),
    )
