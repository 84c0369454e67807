"""The interface of a broker: one Protocol that takes and returns values, never models."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol


class OrderRefused(Exception):
    """The broker definitely refused the order; the message can be shown to a person."""


class OutcomeUnknown(Exception):
    """The order may or may not have reached the broker: query it by its client_order_id, never guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """A market order for the next bar.

    stop_loss_pct, take_profit_pct: distances of an entry's protective exits from its fill price, as fractions.
    closes: the client_order_id of the entry whose lot an exit sells; "" for an entry."""

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
    """An order as the broker reports it.

    state: working, filled, cancelled, rejected or expired. kind: market, stop_loss or take_profit; the last two
    are protective exits that the broker holds for the lot of the entry `closes`.
    """

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
    """One execution. activity_id: the broker's id of it, unique in the account."""

    activity_id: str
    client_order_id: str
    quantity: Decimal
    price: Decimal
    commission: Decimal
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccount:
    """Dollars. equity: cash plus the market value of the positions."""

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
    """One account at one broker. Every call may raise OutcomeUnknown when the broker does not respond."""

    def account(self) -> BrokerAccount: ...

    def submit(self, request: OrderRequest) -> BrokerOrder:
        """Accept the order once for each client_order_id; a repeated call returns the existing order.
        Raises OrderRefused."""
        ...

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        """None when the broker never received it."""
        ...

    def open_orders(self) -> list[BrokerOrder]: ...

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        """The fills after the one with activity id `cursor` ("" for all), oldest first."""
        ...

    def cancel(self, client_order_id: str) -> None:
        """Request a cancellation. The order's later state shows whether it was in time."""
        ...

    def positions(self) -> list[BrokerPosition]: ...

    def clock(self) -> BrokerClock: ...
