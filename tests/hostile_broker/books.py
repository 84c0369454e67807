"""The books of one account at the hostile broker: those of the second broker of the tests, with what can happen to
a desk besides: busted and corrected fills, fills that appear late, and a client id that is used twice."""

import threading
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from livetrading.brokers.protocol import BrokerActivity, BrokerFill, BrokerOrder, BrokerPosition, OrderRequest
from tests.livetrading.second_broker.broker import SecondBroker

ZERO = Decimal(0)
# Marks the second order with a client id, at a broker that takes a client id twice.
AGAIN = "~again"


class Placed(NamedTuple):
    """An order as the fault tests see it at every broker. state: received, held, working, or how it ended.
    trigger: the price of a stop or a limit."""

    symbol: str
    side: str
    type: str
    state: str
    remaining: Decimal
    trigger: Decimal | None
    is_open: bool


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

    # --- What the fault tests do and ask at every broker ---

    @property
    def placed(self) -> dict[str, Placed]:
        """All orders by the desk's ids."""
        return {
            known: Placed(
                o.request.symbol, o.request.side, o.request.type, o.state, o.remaining, o.trigger, o.is_open
            )
            for known, o in self.orders.items()
        }

    @property
    def executions(self) -> list[BrokerFill]:
        """All fills in their order, the undone ones too."""
        return self.fills

    @property
    def counting(self) -> list[tuple[str, Decimal, Decimal]]:
        """Order, quantity and price of the fills that count in the end."""
        found = [
            (fill.client_order_id, fill.quantity, fill.price)
            for fill in self.fills
            if fill.activity_id not in self.busted and fill.client_order_id in self.orders
        ]
        for activity in self.activities:
            if activity.quantity:
                known = self.fills[int(activity.previous_id) - 1].client_order_id
                found.append((known, activity.quantity, activity.price))
        return found

    @property
    def held_shares(self) -> dict[str, Decimal]:
        return {symbol: shares for symbol, shares in self.shares.items() if shares}

    def finish(self, client_order_id: str, state: str) -> str:
        """End this order by itself. Returns the reason that the desk hears."""
        reason = "The symbol is halted." if state == "rejected" else ""
        self._end(self.orders[client_order_id], state, reason)
        return reason

    def bust(self, activity_id: str, *, price: str = "", quantity: str = "") -> str:
        """Undo this fill, as if it never was; with a price or a quantity, make it one at that price or for that
        quantity. Returns the id of the activity."""
        fill = self.fills[int(activity_id) - 1]
        corrected = bool(price or quantity)
        kind = "correction" if corrected else "bust"
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
