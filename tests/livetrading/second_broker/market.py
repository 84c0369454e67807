"""The second broker's orders, and the path that a price has taken since the broker last worked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from livetrading.brokers.protocol import AttachedExit, BrokerOrder, OrderRequest

CENT = Decimal("0.01")
OPEN_STATES = ("received", "held", "working")


def dollars(price: float | Decimal) -> Decimal:
    return Decimal(str(price))


@dataclass
class PlacedOrder:
    """state: received (a request that has not taken effect), held (an attached leg whose entry is not filled
    completely), working, or how it ended. parent: the entry of an attached leg, or of what replaced one. quantity:
    None for that of the request."""

    request: OrderRequest
    number: str
    step: Decimal = CENT
    state: str = "received"
    filled: Decimal = Decimal(0)
    quantity: Decimal | None = None
    replaces: str = ""
    parent: str = ""
    cancel_requested: bool = False
    reason: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def total(self) -> Decimal:
        return self.request.quantity if self.quantity is None else self.quantity

    @property
    def remaining(self) -> Decimal:
        return self.total - self.filled

    @property
    def closes(self) -> str:
        return self.request.closes

    @property
    def trigger(self) -> Decimal | None:
        """The price of a stop or limit order, rounded to what the broker accepts."""
        price = self.request.limit_price if self.request.stop_price is None else self.request.stop_price
        return None if price is None else price.quantize(self.step)

    def report(self) -> BrokerOrder:
        return BrokerOrder(
            client_order_id=self.request.client_order_id,
            broker_order_id=self.number,
            state="working" if self.is_open else self.state,
            quantity=self.total,
            filled_quantity=self.filled,
            stop_price=self.trigger if self.request.type == "stop" else None,
            limit_price=self.trigger if self.request.type == "limit" else None,
            reason=self.reason,
        )


class Path:
    """The prices since the broker last worked: the first, the extremes and the last."""

    def __init__(self, price: Decimal) -> None:
        self.first = self.low = self.high = self.last = price

    def move(self, price: Decimal) -> None:
        self.low, self.high, self.last = min(self.low, price), max(self.high, price), price

    def price_for(self, order: PlacedOrder) -> Decimal | None:
        """What this order is filled at; None when the path did not reach its price. Sales at a stop or limit only:
        the desk buys at the market."""
        trigger = order.trigger
        if trigger is None:
            return self.first
        if order.request.type == "stop":
            return min(self.first, trigger) if self.low <= trigger else None
        return max(self.first, trigger) if self.high >= trigger else None


def legs_of(orders: Mapping[str, PlacedOrder], entry: str) -> list[PlacedOrder]:
    """The open legs that are attached to this entry."""
    return [order for order in orders.values() if order.parent == entry and order.is_open]


def by_urgency(orders: Iterable[PlacedOrder]) -> list[PlacedOrder]:
    """The working orders in the order of their fills: of a stop and a target, the stop is first."""
    working = [order for order in orders if order.state == "working"]
    return sorted(working, key=lambda order: ("market", "stop", "limit").index(order.request.type))


def request_of(leg: AttachedExit, entry: OrderRequest) -> OrderRequest:
    """The order that an attached exit is."""
    return OrderRequest(
        client_order_id=leg.client_order_id,
        symbol=entry.symbol,
        side="sell",
        quantity=entry.quantity,
        type=leg.type,
        time_in_force="gtc",
        stop_price=leg.price if leg.type == "stop" else None,
        limit_price=leg.price if leg.type == "limit" else None,
        closes=entry.client_order_id,
    )


def locked_shares(
    orders: Iterable[PlacedOrder], request: OrderRequest, freed: Decimal, *, together: bool
) -> Decimal:
    """The shares that other sales have locked. freed: what the order locks that the request replaces. together:
    whether the stop and the target of one lot lock its shares once."""
    locked: dict[str, Decimal] = {}
    for order in orders:
        if not order.is_open or order.request.side != "sell" or order.state == "held":
            continue
        if order.request.symbol != request.symbol or order.replaces:
            continue  # a replacement locks what the order before it locked
        pair = together and order.request.type != "market" and order.closes
        key = order.closes if pair else order.request.client_order_id
        locked[key] = max(locked.get(key, Decimal(0)), order.remaining)
    if together and request.type != "market":
        locked.pop(request.closes, None)
        freed = Decimal(0)
    return sum(locked.values(), Decimal(0)) - freed
