"""The books of one account at the hostile broker: those of the second broker of the tests, with what can happen to
a desk besides: busted and corrected fills, fills that appear late, and a client id that is used twice."""

import threading
from dataclasses import dataclass, field, replace
from decimal import Decimal

from livetrading.brokers.protocol import BrokerActivity, BrokerFill, BrokerOrder, BrokerPosition, OrderRequest
from tests.livetrading.second_broker.broker import SecondBroker

ZERO = Decimal(0)
# Marks the second order with a client id, at a broker that takes a client id twice.
AGAIN = "~again"


@dataclass
class HostileBooks(SecondBroker):
    """lock: of everything here, because the requests of several workers arrive at once. hidden: fills that the
    broker does not report yet. frozen: the positions that it reports instead of the present ones. shuffled:
    whether fills are reported twice and in another order. busted: the fills that were undone or corrected.
    doubled: the client ids that were sent twice to a broker that takes them twice."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    hidden: set[str] = field(default_factory=set)
    frozen: list[BrokerPosition] | None = None
    shuffled: bool = False
    busted: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    def submit(self, request: OrderRequest) -> BrokerOrder:
        if request.client_order_id in self.orders and not self.capabilities.unique_client_ids:
            self.doubled.append(request.client_order_id)
            request = replace(
                request, client_order_id=f"{request.client_order_id}{AGAIN}{len(self.orders)}", exits=()
            )
        return super().submit(request)

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        """With an overlap of 20 fills, as an adapter asks for them."""
        since = max(int(cursor or 0) - 20, 0)
        found = [fill for fill in self.fills[since:] if fill.activity_id not in self.hidden]
        if not self.shuffled or not found:
            return found
        return [*reversed(found), found[0], found[-1]]

    def positions(self) -> list[BrokerPosition]:
        return super().positions() if self.frozen is None else self.frozen

    def bust(self, activity_id: str, *, kind: str = "bust", price: str = "", quantity: str = "") -> str:
        """Undo this fill, as if it never was; with a kind of "correction", make it one at another price or for
        another quantity. Returns the id of the activity."""
        fill = self.fills[int(activity_id) - 1]
        corrected = kind == "correction"
        after = Decimal(quantity or fill.quantity) if corrected else ZERO
        paid = Decimal(price or fill.price)
        order = self.orders[fill.client_order_id]
        sign = 1 if order.request.side == "buy" else -1
        order.filled += after - fill.quantity
        symbol = order.request.symbol
        self.shares[symbol] += sign * (after - fill.quantity)
        amount = sign * (fill.quantity * fill.price - after * paid)
        self.cash += amount
        self.busted.append(activity_id)
        number = str(len(self.activities) + 1)
        self.activities.append(
            BrokerActivity(
                activity_id=number,
                kind=kind,
                time=self.now,
                amount=amount,
                symbol=symbol,
                previous_id=activity_id,
                quantity=after,
                price=paid if corrected else ZERO,
            )
        )
        return number
