"""A live strategy's own book: its open lots, its working orders and its realized profit."""

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
    """lots: open trades by symbol. exiting, entering: symbols with a working exit or entry order. realized:
    dollars after commissions, including the entry commissions of the open lots."""

    lots: Mapping[str, BaseTrade]
    exiting: frozenset[str]
    entering: frozenset[str]
    realized: float

    def open_positions(self) -> int:
        """The number of positions that count against max_positions: lots without a working exit, and working
        entries."""
        return len((set(self.lots) - self.exiting) | self.entering)

    def unrealized(self, closes: Mapping[str, float]) -> float:
        """Dollars. closes: closing price by symbol."""
        return sum(
            float(lot.open_quantity) * (closes[symbol] - float(lot.entry_price))
            for symbol, lot in self.lots.items()
        )


def trades_of_strategy(live: LiveStrategy) -> Any:
    """The queryset of the live strategy's paper or live trades, depending on its mode."""
    return TRADES[live.mode]._default_manager.filter(live_strategy=live)


def read_book(live: LiveStrategy, *, without: Order | None = None) -> StrategyBook:
    """Read the book; `without` leaves out one working order."""
    trades = trades_of_strategy(live)
    working = Order.objects.filter(live_strategy=live, state__in=WORKING)
    if without is not None:
        working = working.exclude(pk=without.pk)
    purposes = working.filter(purpose__in=(Order.Purpose.ENTRY, Order.Purpose.EXIT))
    symbols = {purpose: set[str]() for purpose in Order.Purpose}
    for purpose, symbol in purposes.values_list("purpose", "symbol"):
        symbols[Order.Purpose(purpose)].add(symbol)
    return StrategyBook(
        lots={trade.symbol: trade for trade in trades.filter(exit_time=None)},
        exiting=frozenset(symbols[Order.Purpose.EXIT]),
        entering=frozenset(symbols[Order.Purpose.ENTRY]),
        realized=float(trades.aggregate(total=Sum("pnl"))["total"] or 0),
    )
