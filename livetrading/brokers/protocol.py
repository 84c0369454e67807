"""What the desk asks of a broker: one Protocol, values in and values out."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol


class OrderRefused(Exception):
    """The broker refused the order and nothing was in doubt before; the message can be shown to a person."""


class OutcomeUnknown(Exception):
    """The order may or may not have reached the broker: ask for it by its client_order_id, never guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A market order for the next bar. An entry carries the protective exits that hang on its fill price; an
    exit names in `closes` the client_order_id of the entry whose lot it sells."""

    client_order_id: str
    symbol: str
    timeframe: str
    side: str
    quantity: Decimal
    fractional: bool = False
    strength: float = 1.0
    stop_loss_pct: float | None = None
    take_profit_pct: float | None = None
    closes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOrder:
    """An order as the broker knows it. state: working, filled, cancelled, rejected or expired. kind: market,
    stop_loss or take_profit; the latter two are protective exits the broker holds for the lot of `closes`."""

    client_order_id: str
    broker_order_id: str
    state: str
    symbol: str
    side: str
    quantity: Decimal
    filled_quantity: Decimal
    kind: str = "market"
    closes: str = ""
    trigger_price: Decimal | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerFill:
    """One execution. activity_id is the broker's, unique in the account; fills come in its order."""

    activity_id: str
    client_order_id: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccount:
    """Dollars. equity is cash plus what the positions are worth now."""

    cash: Decimal
    equity: Decimal
    buying_power: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPosition:
    symbol: str
    quantity: Decimal
    average_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerClock:
    now: datetime
    is_open: bool
    next_open: datetime


class Broker(Protocol):
    """One account at one broker. Every call may raise OutcomeUnknown when no answer came."""

    def account(self) -> BrokerAccount: ...

    def submit(self, request: OrderRequest) -> BrokerOrder:
        """Take the order, once per client_order_id: sent again, it is answered with what became of it.
        Raises OrderRefused."""
        ...

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        """None when the broker never saw it."""
        ...

    def open_orders(self) -> list[BrokerOrder]: ...

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        """The fills after the one with activity id `cursor` ("" for all), oldest first."""
        ...

    def cancel(self, client_order_id: str) -> None:
        """Ask for a cancellation; whether it came in time, the order's state says later."""
        ...

    def positions(self) -> list[BrokerPosition]: ...

    def clock(self) -> BrokerClock: ...
