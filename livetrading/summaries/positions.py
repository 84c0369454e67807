"""Open positions with their lots, marked at the last closes."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import groupby

from livetrading.models import BrokerAccount, Order
from livetrading.models.order import PROTECTIVE, WORKING
from livetrading.models.trade import Trade
from tradedesk.marketdata.quotes import Quote, Series

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class OpenLot:
    """An open trade. last_price: dollars per share, None when its symbol has no bars. exits: its working
    protective exits."""

    trade: Trade
    last_price: Decimal | None
    exits: list[Order] = field(default_factory=list)

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

    @property
    def protection(self) -> str:
        """Where the protective exits are kept, in words; "" without one."""
        labels = {order.purpose: order.get_holder_display() for order in self.exits}
        if len(set(labels.values())) == 1:
            return str(next(iter(labels.values())))
        return "; ".join(f"{Order.Purpose(purpose).label}: {label}" for purpose, label in labels.items())

    @property
    def protected_by(self) -> str:
        """The same in short; "" for a lot without stop and target."""
        if self.is_unprotected:
            return "Nothing now"
        holders = {"Desk" if order.holder == Order.Holder.DESK else "Broker" for order in self.exits}
        return " and ".join(sorted(holders))

    @property
    def is_unprotected(self) -> bool:
        """Whether the lot has a stop or a target, but no working order for it."""
        trade = self.trade
        return not self.exits and (trade.stop_price is not None or trade.target_price is not None)


@dataclass(frozen=True, slots=True)
class Position:
    """The position of the account in one symbol: the sum of its lots. id: of the account's row, also where the
    lots are those of one strategy."""

    symbol: str
    lots: list[OpenLot]
    id: int | None = None

    @property
    def quantity(self) -> Decimal:
        return sum((lot.quantity for lot in self.lots), ZERO)

    @property
    def cost(self) -> Decimal:
        return sum((lot.cost for lot in self.lots), ZERO)

    @property
    def protection(self) -> str:
        """Where the protective exits of its lots are kept, in words."""
        return "; ".join(sorted({lot.protection for lot in self.lots} - {""}))

    @property
    def protected_by(self) -> str:
        """The same in short."""
        return ", ".join(sorted({lot.protected_by for lot in self.lots} - {""}))

    @property
    def is_unprotected(self) -> bool:
        return any(lot.is_unprotected for lot in self.lots)

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


def mark(trade: Trade, quotes: Mapping[Series, Quote], exits: list[Order]) -> OpenLot:
    quote = quotes.get((trade.symbol, trade.timeframe))
    return OpenLot(trade, quote.last if quote else None, exits)


def protective_exits(account: BrokerAccount) -> dict[uuid.UUID | None, list[Order]]:
    """The working protective exits of the account, by the entry whose lot they protect. One query."""
    found: dict[uuid.UUID | None, list[Order]] = defaultdict(list)
    for order in account.orders.filter(purpose__in=PROTECTIVE, state__in=WORKING).order_by(
        "purpose", "created_at"
    ):
        found[order.opening_order_id].append(order)
    return found


def positions_of(lots: Iterable[OpenLot], ids: Mapping[str, int] | None = None) -> list[Position]:
    """Sorted by symbol; the lots keep their order. ids: of the account's positions, by symbol."""
    ordered = sorted(lots, key=lambda lot: lot.trade.symbol)
    known = ids or {}
    return [
        Position(symbol, list(group), known.get(symbol))
        for symbol, group in groupby(ordered, lambda lot: lot.trade.symbol)
    ]
