"""Open positions with their lots, marked at the last closes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from livetrading.models.trade import BaseTrade
from livetrading.summaries.quotes import Quote, Series

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OpenLot:
    """An open trade. last_price: dollars per share, None when its symbol has no bars."""

    trade: BaseTrade
    last_price: Decimal | None

    @property
    def quantity(self) -> Decimal:
        return self.trade.open_quantity

    @property
    def cost(self) -> Decimal:
        return self.quantity * self.trade.entry_price

    @property
    def market_value(self) -> Decimal:
        """At the last price; at cost without one."""
        return self.cost if self.last_price is None else self.quantity * self.last_price

    @property
    def unrealized(self) -> Decimal | None:
        return None if self.last_price is None else self.market_value - self.cost

    @property
    def unrealized_return(self) -> float | None:
        """A fraction of the cost."""
        return None if self.unrealized is None else float(self.unrealized / self.cost)


@dataclass(frozen=True, slots=True)
class Position:
    """The position of the account in one symbol: the sum of its lots."""

    symbol: str
    lots: list[OpenLot]

    @property
    def quantity(self) -> Decimal:
        return sum((lot.quantity for lot in self.lots), ZERO)

    @property
    def cost(self) -> Decimal:
        return sum((lot.cost for lot in self.lots), ZERO)

    @property
    def average_price(self) -> Decimal:
        return self.cost / self.quantity

    @property
    def last_price(self) -> Decimal | None:
        """None when a lot has no price."""
        prices = [lot.last_price for lot in self.lots]
        return None if None in prices else prices[0]

    @property
    def market_value(self) -> Decimal:
        return sum((lot.market_value for lot in self.lots), ZERO)

    @property
    def unrealized(self) -> Decimal | None:
        return None if self.last_price is None else self.market_value - self.cost

    @property
    def unrealized_return(self) -> float | None:
        """A fraction of the cost."""
        return None if self.unrealized is None else float(self.unrealized / self.cost)


def mark(trade: BaseTrade, quotes: Mapping[Series, Quote]) -> OpenLot:
    quote = quotes.get((trade.symbol, trade.timeframe))
    return OpenLot(trade, quote.last if quote else None)


def positions_of(lots: Iterable[OpenLot]) -> list[Position]:
    """Sorted by symbol; the lots keep their order."""
    ordered = sorted(lots, key=lambda lot: lot.trade.symbol)
    return [Position(symbol, list(group)) for symbol, group in groupby(ordered, lambda lot: lot.trade.symbol)]
