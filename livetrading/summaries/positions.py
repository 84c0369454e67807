"""Open positions with their lots, marked at the last closes."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import groupby, islice
from typing import NamedTuple

from livetrading.models import BrokerAccount, Order
from livetrading.models.order import PROTECTIVE, STOPS, WORKING
from livetrading.models.trade import Trade, Trades, first_risk, trades_of
from tradedesk.marketdata.quotes import Quote, Series
from tradedesk.marketdata.sessions import daily_time

ZERO = Decimal(0)


class Exit(NamedTuple):
    """A working protective exit."""

    purpose: str
    holder: str


@dataclass(slots=True)
class HeldTrade:
    """What a lot needs of its trade. An account may have thousands of them, and a row of the model costs ten times
    as much."""

    pk: int
    account_id: int
    live_strategy_id: int | None
    opening_order_id: uuid.UUID
    symbol: str
    timeframe: str
    quantity: Decimal
    exit_quantity: Decimal
    entry_time: datetime
    entry_price: Decimal
    initial_stop_price: Decimal | None
    stop_price: Decimal | None
    target_price: Decimal | None
    pnl: Decimal

    @property
    def open_quantity(self) -> Decimal:
        return self.quantity - self.exit_quantity

    @property
    def risk(self) -> Decimal | None:
        return first_risk(self.quantity, self.entry_price, self.initial_stop_price)


@dataclass(frozen=True)
class OpenLot:
    """An open trade. last_price: dollars per share, None when its symbol has no bars. exits: its working
    protective exits. before: the last close before today, or what was paid today; None without bars. Its figures
    are computed once, because a page of thousands of lots adds them up several times."""

    trade: HeldTrade | Trade
    last_price: Decimal | None
    exits: list[Exit] = field(default_factory=list)
    before: Decimal | None = None

    @property
    def whole_trade(self) -> Trade:
        """Of a lot that `with_trades` has read for a page."""
        if isinstance(self.trade, HeldTrade):
            raise TypeError("Only what a lot needs of its trade was read.")
        return self.trade

    @cached_property
    def quantity(self) -> Decimal:
        return self.trade.open_quantity

    @cached_property
    def cost(self) -> Decimal:
        return self.quantity * self.trade.entry_price

    @cached_property
    def market_value(self) -> Decimal:
        """At the last price; at cost without one."""
        return self.cost if self.last_price is None else self.quantity * self.last_price

    @cached_property
    def unrealized(self) -> Decimal | None:
        return None if self.last_price is None else self.market_value - self.cost

    @property
    def unrealized_return(self) -> float | None:
        """A fraction of the cost."""
        return None if self.unrealized is None else float(self.unrealized / self.cost)

    @cached_property
    def today(self) -> Decimal | None:
        """Dollars since the last close before today, or since the entry."""
        if self.last_price is None or self.before is None:
            return None
        return self.quantity * (self.last_price - self.before)

    @property
    def r_multiple(self) -> float | None:
        """The result so far over the first risk; None without a stop at the entry."""
        risk = self.trade.risk
        return (
            None if risk is None or self.unrealized is None else float((self.trade.pnl + self.unrealized) / risk)
        )

    @cached_property
    def has_stop(self) -> bool:
        """Whether a working order sells it at its stop."""
        return self.trade.stop_price is not None and any(each.purpose in STOPS for each in self.exits)

    @cached_property
    def risk(self) -> Decimal:
        """Dollars that are lost from now on when the stop is hit at its price; the whole value without a working
        stop."""
        stop = self.trade.stop_price
        if stop is None or not self.has_stop:
            return self.market_value
        return max(self.market_value - self.quantity * stop, ZERO)

    @property
    def protection(self) -> str:
        """Where the protective exits are kept, in words; "" without one."""
        labels = {each.purpose: Order.Holder(each.holder).label for each in self.exits}
        if len(set(labels.values())) == 1:
            return str(next(iter(labels.values())))
        return "; ".join(f"{Order.Purpose(purpose).label}: {label}" for purpose, label in labels.items())

    @property
    def protected_by(self) -> str:
        """The same in short; "" for a lot without stop and target."""
        if self.is_unprotected:
            return "Nothing now"
        holders = {"Desk" if each.holder == Order.Holder.DESK else "Broker" for each in self.exits}
        return " and ".join(sorted(holders))

    @property
    def is_unprotected(self) -> bool:
        """Whether the lot has a stop or a target, but no working order for it."""
        trade = self.trade
        return not self.exits and (trade.stop_price is not None or trade.target_price is not None)


@dataclass(frozen=True)
class Position:
    """The position of the account in one symbol: the sum of its lots. id: of the account's row, also where the
    lots are those of one strategy."""

    symbol: str
    lots: list[OpenLot]
    id: int | None = None

    @cached_property
    def quantity(self) -> Decimal:
        return sum((lot.quantity for lot in self.lots), ZERO)

    @cached_property
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

    @cached_property
    def last_price(self) -> Decimal | None:
        """None when a lot has no price."""
        prices = [lot.last_price for lot in self.lots]
        return None if None in prices else prices[0]

    @cached_property
    def market_value(self) -> Decimal:
        return sum((lot.market_value for lot in self.lots), ZERO)

    @cached_property
    def unrealized(self) -> Decimal | None:
        return None if self.last_price is None else self.market_value - self.cost

    @property
    def unrealized_return(self) -> float | None:
        """A fraction of the cost."""
        return None if self.unrealized is None else float(self.unrealized / self.cost)

    @cached_property
    def today(self) -> Decimal | None:
        """Of its lots; None when one has no price."""
        amounts = [lot.today for lot in self.lots]
        return None if None in amounts else sum((each for each in amounts if each is not None), ZERO)

    @cached_property
    def risk(self) -> Decimal:
        return sum((lot.risk for lot in self.lots), ZERO)


def mark(trade: HeldTrade | Trade, quotes: Mapping[Series, Quote], exits: list[Exit], day: date) -> OpenLot:
    """day: the market day."""
    quote = quotes.get((trade.symbol, trade.timeframe))
    if quote is None:
        return OpenLot(trade, None, exits)
    held_before = trade.entry_time < daily_time(day)
    return OpenLot(trade, quote.last, exits, quote.previous_close if held_before else trade.entry_price)


def held_trades(account: BrokerAccount) -> list[HeldTrade]:
    """The open trades of the account by symbol, the oldest first. One query."""
    held: Trades = trades_of(account, account.mode).filter(exit_time=None)
    rows = held.order_by("symbol", "entry_time", "pk").values_list(*(each.name for each in fields(HeldTrade)))
    return [HeldTrade(*row) for row in rows]


def with_trades(lots: Sequence[OpenLot], account: BrokerAccount) -> list[OpenLot]:
    """These lots for a page, which shows more of their trades, with the names of their strategies; without those
    that were sold since they were read. One query."""
    rows = trades_of(account, account.mode).filter(exit_time=None).select_related("live_strategy")
    trades: Mapping[int, Trade] = rows.in_bulk([lot.trade.pk for lot in lots])
    return [replace(lot, trade=trades[lot.trade.pk]) for lot in lots if lot.trade.pk in trades]


def first_lots(
    positions: Iterable[Position], most: int, account: BrokerAccount | None
) -> list[tuple[Position, list[OpenLot]]]:
    """The first positions, each with those of its lots that fit into so many rows. One query."""
    if account is None:
        return []
    lots = with_trades(list(islice((lot for position in positions for lot in position.lots), most)), account)
    shown = {symbol: list(own) for symbol, own in groupby(lots, lambda lot: lot.trade.symbol)}
    return [(position, shown[position.symbol]) for position in positions if position.symbol in shown]


def protective_exits(account: BrokerAccount) -> dict[uuid.UUID | None, list[Exit]]:
    """The working protective exits of the account, by the entry whose lot they protect. One query."""
    found: dict[uuid.UUID | None, list[Exit]] = defaultdict(list)
    orders = account.orders.filter(purpose__in=PROTECTIVE, state__in=WORKING).order_by("purpose", "created_at")
    for entry, purpose, holder in orders.values_list("opening_order_id", "purpose", "holder"):
        found[entry].append(Exit(purpose, holder))
    return found


def positions_of(lots: Iterable[OpenLot], ids: Mapping[str, int] | None = None) -> list[Position]:
    """Sorted by symbol; the lots keep their order. ids: of the account's positions, by symbol."""
    ordered = sorted(lots, key=lambda lot: lot.trade.symbol)
    known = ids or {}
    return [
        Position(symbol, list(group), known.get(symbol))
        for symbol, group in groupby(ordered, lambda lot: lot.trade.symbol)
    ]
