"""The interface of a broker: one Protocol that takes and returns values, never models."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Protocol, runtime_checkable


class OrderRefused(Exception):
    """The broker definitely refused the order; the message can be shown to a person."""


class OutcomeUnknown(Exception):
    """The request may or may not have reached the broker: query the order by its client_order_id, never guess."""


class KeysRefused(OutcomeUnknown):
    """The broker does not accept the keys of the account: it did nothing, and says nothing of earlier requests."""


class TooManyRequests(OutcomeUnknown):
    """The broker takes no more requests of this account before `retry_after` has passed, in wall time."""

    def __init__(self, reason: str, retry_after: timedelta) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class NotSent(TooManyRequests):
    """The desk's own limit held the request back: the broker did not get it."""


def _same(price: Decimal) -> Decimal:
    return price


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a broker can do, as data; the pipeline decides by it and knows no broker by name.

    attached_exits_at_fill: protective exits travel with their entry, at distances from its fill price, and close
    the lot by themselves. attached_exits_at_price: they travel with it at absolute prices. separate_exits: stop
    and limit orders can be placed for shares that are held. replace: a working order can get a new price or
    quantity. fractional, fractional_exits: entries, and protective exits, of parts of a share. short: shares can
    be sold that are not held. opening_auction: orders for the opening price (time in force opg).
    unique_client_ids: a repeated client_order_id is never a second order. commission_with_fill: a fill states its
    commission; otherwise fees come later, as activities. reduces_entries: exits fill before entries, and an entry
    is reduced to what the cash pays for; other brokers refuse it. reserves_buying_power: the reported buying power
    is without what the working orders will cost. entries_wait: an accepted entry waits for the next bar of its
    symbol, whenever that comes, as in a backtest. refuses_opposite: an order without attached exits is refused
    while one of the other side works for the same symbol. sells_short: the broker may take a sale of shares that
    the account does not hold for a short sale, so the desk looks at the positions first. as_sent: a price as the
    broker gets it, which may round it: two prices that are one there are no change.
    """

    attached_exits_at_fill: bool = False
    attached_exits_at_price: bool = False
    separate_exits: bool = False
    replace: bool = False
    fractional: bool = False
    fractional_exits: bool = False
    short: bool = False
    opening_auction: bool = False
    unique_client_ids: bool = False
    commission_with_fill: bool = False
    reduces_entries: bool = False
    reserves_buying_power: bool = False
    entries_wait: bool = False
    refuses_opposite: bool = False
    sells_short: bool = False
    as_sent: Callable[[Decimal], Decimal] = _same


# The ends of the client_order_ids of attached exits, after that of their entry: some brokers choose the ids of
# attached exits themselves, and their adapters translate.
STOP_SUFFIX, TARGET_SUFFIX = "-stop", "-target"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedExit:
    """A protective exit that travels with its entry: an order of its own, valid once the entry is filled.

    type: "stop" or "limit". A broker that takes exits at the fill gets distance, a fraction of the fill price; for
    a trailing stop trailing_fraction (of the highest price since the fill) or trailing_dollars, with a distance as
    well the higher price counts. Such a broker raises the stop after each bar. Others get price, in dollars."""

    client_order_id: str
    type: str
    distance: float | None = None
    trailing_fraction: float | None = None
    trailing_dollars: Decimal | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BarMatching:
    """How the simulation, which fills from whole bars, matches an order: against bars of this length, and of the
    entries that one bar fills, those of higher priority first. Other brokers ignore it."""

    bar_minutes: int
    priority: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order to place. closes: the client_order_id of the entry whose lot an exit sells; "" for an entry.

    type: market, limit, stop or stop_limit. time_in_force: day, gtc or opg. fractional: whether the quantity may
    have parts of a share. valid_until: of an entry, the market time at which it must have begun to trade: a broker
    refuses an entry that it gets later, or that could only trade later, and lets one expire that still waits then.
    None for an exit, which is good at any time. Prices are in dollars per share."""

    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    type: str = "market"
    time_in_force: str = "day"
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    fractional: bool = False
    closes: str = ""
    exits: tuple[AttachedExit, ...] = ()
    valid_until: datetime | None = None
    matching: BarMatching | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOrder:
    """An order as the broker reports it.

    state: working, filled, cancelled (also when it was replaced), rejected or expired; a word that the adapter
    does not know is reported as "unknown" and changes nothing."""

    client_order_id: str
    broker_order_id: str
    state: str
    quantity: Decimal
    filled_quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFill:
    """One execution. activity_id: the broker's id of it, unique in the account. client_order_id: "" when the order
    is from outside the desk, or not known yet. commission: 0 when the broker reports fees later, as activities."""

    activity_id: str
    client_order_id: str
    quantity: Decimal
    price: Decimal
    time: datetime
    commission: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerActivity:
    """Money or shares that moved without a fill. kind: fee, dividend, interest, split, symbol_change, transfer,
    bust, correction or other. amount: what it added to the cash, in dollars.

    A bust undoes the fill with the activity id `previous_id`; a correction replaces it by one of `quantity` shares
    at `price`, which has the id of the correction and is not among the fills. A split adds `quantity` shares; the
    broker may say how many there were before, and the new shares for each old one. After a symbol change the
    `quantity` shares of `symbol` have the symbol `new_symbol`."""

    activity_id: str
    kind: str
    time: datetime
    amount: Decimal = Decimal(0)
    symbol: str = ""
    description: str = ""
    previous_id: str = ""
    quantity: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    shares_before: Decimal | None = None
    ratio: Fraction | None = None
    new_symbol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """Dollars. equity: cash plus the market value of the positions. buying_power: what can be bought without
    borrowed money. blocked: why the broker accepts no orders; ""
    when it does. number, status, shorting: the broker's account number, its word for the state of the account, and
    whether shares may be sold that are not held; "" or None where it does not say."""

    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    blocked: str = ""
    number: str = ""
    status: str = ""
    shorting: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPosition:
    """quantity: shares, negative when short. price: the newest one that the broker knows, in dollars; None where
    it does not say."""

    symbol: str
    quantity: Decimal
    price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """What a broker says of a symbol. problem: why it takes no orders for it; "" when it does. fractionable:
    whether it buys parts of a share."""

    problem: str = ""
    fractionable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerClock:
    """The broker's own time, aware, and whether its market is open then."""

    time: datetime
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerDay:
    """A session of the broker's calendar: its day in New York, its open and its close, aware, in UTC."""

    day: date
    opens: datetime
    closes: datetime


class Broker(Protocol):
    """One account at one broker. Every call may raise OutcomeUnknown when the broker does not respond."""

    @property
    def capabilities(self) -> Capabilities: ...

    def account(self) -> AccountReport: ...

    def submit(self, request: OrderRequest) -> BrokerOrder:
        """Accept the order once for each client_order_id; a repeated call returns the existing order.
        Raises OrderRefused."""
        ...

    def replace(self, client_order_id: str, request: OrderRequest) -> BrokerOrder:
        """Replace the working order `client_order_id` by `request`, which has an id of its own. The old order ends
        as cancelled. Raises OrderRefused when the old order cannot be replaced any more; it then stays as it
        is."""
        ...

    def cancel(self, client_order_id: str) -> None:
        """Request a cancellation. The order's later state shows whether it was in time."""
        ...

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        """None when the broker never received it."""
        ...

    def open_orders(self) -> list[BrokerOrder]:
        """All working orders, attached exits included."""
        ...

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        """The fills after the one with activity id `cursor` ("" for all), oldest first. Fills at or before it may
        be repeated."""
        ...

    def activities_since(self, cursor: str) -> list[BrokerActivity]:
        """The same for everything that moved money or shares without a fill."""
        ...

    def positions(self) -> list[BrokerPosition]: ...


@runtime_checkable
class ListsAssets(Protocol):
    """A broker that says of a symbol whether it can be traded, before there is an order for it."""

    def asset(self, symbol: str) -> Asset:
        """Raises OutcomeUnknown."""
        ...


@runtime_checkable
class ListsFillsOfOrder(Protocol):
    """A broker that lists the fills of one order, whenever they were."""

    def fills_of(self, order: BrokerOrder, since: datetime) -> list[BrokerFill]:
        """since: the order was sent then or later. It may answer nothing for an order that it is asked for again
        and again. Raises OutcomeUnknown."""
        ...


@runtime_checkable
class TellsTime(Protocol):
    """A broker that says what time it is and when it trades. Both raise OutcomeUnknown."""

    def clock(self) -> BrokerClock: ...

    def calendar(self, first: date, last: date) -> list[BrokerDay]:
        """The sessions from `first` to `last`, both included, in their order."""
        ...
