"""A second broker for the tests, with books of its own: asynchronous, and no relative of the simulation.

A request is only received; it takes effect when the test lets the broker `work`. Prices move when the test moves
them, and orders that the path of the price touched are filled before the requests that wait. Fees come later, as
activities.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from livetrading.brokers.protocol import (
    AccountReport,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    Capabilities,
    OrderRefused,
    OrderRequest,
    OutcomeUnknown,
)
from tests.livetrading.second_broker.market import (
    CENT,
    Path,
    PlacedOrder,
    by_urgency,
    dollars,
    legs_of,
    locked_shares,
    request_of,
)

ZERO = Decimal(0)


@dataclass
class SecondBroker:
    """locks_together: whether the stop and the target of one lot lock its shares once, or each its own.
    legs_survive: whether the attached legs of an entry that ended partly filled become valid for its shares, or
    are cancelled. largest_fill: shares that one order gets in one piece of work. lets_expire: whether an entry
    that waits when its time is over expires. losses: for each method, whether the next answers are lost "before"
    or "after" the request took effect, "" for an answer that arrives. refused: what was refused."""

    capabilities: Capabilities
    cash: Decimal = Decimal(100_000)
    locks_together: bool = True
    legs_survive: bool = True
    price_step: Decimal = CENT
    largest_fill: Decimal | None = None
    lets_expire: bool = True
    now: datetime = datetime(2012, 3, 5, 15, tzinfo=UTC)
    paths: dict[str, Path] = field(default_factory=dict)
    orders: dict[str, PlacedOrder] = field(default_factory=dict)
    shares: dict[str, Decimal] = field(default_factory=dict)
    fills: list[BrokerFill] = field(default_factory=list)
    activities: list[BrokerActivity] = field(default_factory=list)
    losses: dict[str, list[str]] = field(default_factory=dict)
    reject_next: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    received: list[tuple[str, str]] = field(default_factory=list)
    sales_to_refuse: int = 0
    blocked: str = ""

    # --- The protocol ---

    def account(self) -> AccountReport:
        value = sum((shares * self._price(symbol) for symbol, shares in self.shares.items()), ZERO)
        return AccountReport(
            cash=self.cash, equity=self.cash + value, buying_power=self.cash, blocked=self.blocked
        )

    def submit(self, request: OrderRequest) -> BrokerOrder:
        with self._answer("submit"):
            self.received.append(("submit", request.client_order_id))
            if request.client_order_id not in self.orders:
                if request.type != "market" and not self.capabilities.separate_exits:
                    self._refuse("Only market orders are accepted.")
                self._check(request, freed=ZERO)
                self._place(request)
        return self.orders[request.client_order_id].report()

    def replace(self, client_order_id: str, request: OrderRequest) -> BrokerOrder:
        with self._answer("replace"):
            self.received.append(("replace", request.client_order_id))
            if request.client_order_id not in self.orders:
                old = self.orders.get(client_order_id)
                if not self.capabilities.replace or old is None or not old.is_open or old.state == "held":
                    self._refuse("The order cannot be replaced.")
                elif request.quantity != request.quantity.to_integral_value():
                    self._refuse("Orders of parts of a share cannot be replaced.")
                else:
                    self._check(request, freed=old.remaining)
                    self._place(request, replaces=client_order_id, parent=old.parent)
        return self.orders[request.client_order_id].report()

    def cancel(self, client_order_id: str) -> None:
        with self._answer("cancel"):
            self.received.append(("cancel", client_order_id))
            if client_order_id not in self.orders:
                self._refuse("There is no such order.")
            self.orders[client_order_id].cancel_requested = True

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        with self._answer("order_by_client_id"):
            order = self.orders.get(client_order_id)
            return None if order is None else order.report()

    def open_orders(self) -> list[BrokerOrder]:
        with self._answer("open_orders"):
            return [order.report() for order in self.orders.values() if order.is_open]

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        with self._answer("fills_since"):
            return self.fills[int(cursor or 0) :]

    def activities_since(self, cursor: str) -> list[BrokerActivity]:
        return self.activities[int(cursor or 0) :]

    def positions(self) -> list[BrokerPosition]:
        return [BrokerPosition(symbol=symbol, quantity=shares) for symbol, shares in self.shares.items() if shares]

    # --- What the test does ---

    def move(self, symbol: str, *prices: float) -> None:
        """Trade through all prices on the way to these."""
        for price in prices:
            self.paths[symbol].move(dollars(price))

    def jump(self, symbol: str, price: float) -> None:
        """Trade at this price next, without the prices in between."""
        self.paths[symbol] = Path(dollars(price))

    def work(self) -> None:
        """Fill what the prices have touched, then let the requests that wait take effect, then fill what is
        new."""
        filled = self._match(set())
        self.answer()
        self._match(filled)

    def answer(self) -> None:
        """Let the requests that wait take effect, without a trade: the market is closed."""
        for order in list(self.orders.values()):
            if order.state == "received":
                self._accept(order)
            until = order.request.valid_until
            if self.lets_expire and until is not None and self.now > until and not order.filled:
                self._end(order, "expired", "The entry was not filled in time.")
            if order.cancel_requested and order.is_open:
                self._end(order, "cancelled", "Cancelled on request.")

    def fill(self, client_order_id: str, quantity: object, price: float | Decimal) -> None:
        """Execute a part of an order, whatever its state."""
        order = self.orders[client_order_id]
        shares = Decimal(str(quantity))
        order.filled += shares
        self._book(order.request.symbol, order.request.side, shares, dollars(price), client_order_id)
        done = order.remaining <= 0
        order.state = "filled" if done else order.state
        for leg in legs_of(self.orders, order.parent or client_order_id):
            if order.parent and leg is not order:  # the other leg of an attached pair
                leg.quantity = leg.total - shares
                if done:
                    self._end(leg, "cancelled", "The other exit was filled.")
            elif done and leg.state == "held":
                leg.state = "working"

    def end_day(self, *, all_orders: bool = False) -> None:
        """Day orders expire; with all_orders those that are good till cancelled, too."""
        for order in list(self.orders.values()):
            if order.state != "held" and (all_orders or order.request.time_in_force == "day"):
                self._end(order, "expired", "")

    def trade_outside(self, symbol: str, quantity: int, price: float) -> None:
        """The account's owner trades without the desk; quantity below zero sells."""
        side = "buy" if quantity > 0 else "sell"
        self._book(symbol, side, Decimal(abs(quantity)), dollars(price), f"outside-{len(self.fills)}")

    def charge(self, amount: str, kind: str = "fee", symbol: str = "") -> None:
        """Take this amount from the cash."""
        self.cash -= Decimal(amount)
        number = str(len(self.activities) + 1)
        self.activities.append(
            BrokerActivity(activity_id=number, kind=kind, time=self.now, amount=-Decimal(amount), symbol=symbol)
        )

    def open_of(self, closes: str) -> list[PlacedOrder]:
        """The open orders that sell the lot of this entry."""
        return [order for order in self.orders.values() if order.is_open and order.closes == closes]

    # --- Its books ---

    @contextmanager
    def _answer(self, method: str) -> Iterator[None]:
        """Lose the answer of this call when the script says so."""
        script = self.losses.get(method)
        lost = script.pop(0) if script else ""
        if lost == "before":
            raise OutcomeUnknown("The broker did not answer.")
        yield
        if lost == "after":
            raise OutcomeUnknown("The broker did not answer.")

    def _refuse(self, reason: str) -> None:
        self.refused.append(reason)
        raise OrderRefused(reason)

    def _check(self, request: OrderRequest, freed: Decimal) -> None:
        can, symbol, quantity = self.capabilities, request.symbol, request.quantity
        whole = quantity == quantity.to_integral_value()
        if quantity <= 0 or (not whole and not (request.fractional and can.fractional)):
            self._refuse("The quantity is not accepted.")
        if request.exits and not (can.attached_exits_at_price and all(each.price for each in request.exits)):
            self._refuse("Attached exits are not accepted like this.")
        if request.side == "buy":
            if request.valid_until is not None and self.now > request.valid_until:
                self._refuse("The entry is too late.")
            if quantity * self._price(symbol) > self.cash:
                self._refuse("There is not enough cash.")
            return
        if self.sales_to_refuse:
            self.sales_to_refuse -= 1
            self._refuse("No sales are accepted now.")
        if request.type != "market" and not whole and not can.fractional_exits:
            self._refuse("Parts of a share need a market order.")
        if request.stop_price is not None and request.stop_price >= self._price(symbol):
            self._refuse("The stop price must be below the market.")
        locked = locked_shares(self.orders.values(), request, freed, together=self.locks_together)
        if not can.short and quantity > self.shares.get(symbol, ZERO) - locked:
            self._refuse("The shares are not held, or another order has locked them.")

    def _place(self, request: OrderRequest, *, replaces: str = "", parent: str = "") -> None:
        number = f"B{len(self.orders) + 1}"
        self.orders[request.client_order_id] = PlacedOrder(
            request, number, self.price_step, replaces=replaces, parent=parent
        )
        for leg in request.exits:
            own = request_of(leg, request)
            made = PlacedOrder(
                own, f"B{len(self.orders) + 1}", self.price_step, state="held", parent=request.client_order_id
            )
            self.orders[leg.client_order_id] = made

    def _accept(self, order: PlacedOrder) -> None:
        if self.reject_next and self.reject_next[0] in (order.request.type, "any"):
            self.reject_next.pop(0)
            self._end(order, "rejected", "The order was rejected after it was received.")
            return
        if order.replaces:
            old = self.orders[order.replaces]
            if not old.is_open or order.remaining > self.shares.get(order.request.symbol, ZERO):
                self._end(order, "rejected", "The order to replace has ended.")
                return
            old.state, old.reason = "cancelled", "Replaced."
        order.state, order.replaces = "working", ""

    def _end(self, order: PlacedOrder, state: str, reason: str) -> None:
        if not order.is_open:
            return
        order.state, order.reason = state, reason
        for leg in legs_of(self.orders, order.request.client_order_id):
            if leg.state == "held" and order.filled and self.legs_survive:
                leg.state, leg.quantity = "working", order.filled
            else:
                self._end(leg, "cancelled", "The entry has ended.")

    def _match(self, already: set[str]) -> set[str]:
        """Fill what the prices have touched, except these orders. Returns the client_order_ids of what was
        filled."""
        filled = set[str]()
        for order in by_urgency(self.orders.values()):
            path = self.paths[order.request.symbol]
            price = path.price_for(order)
            client_order_id = order.request.client_order_id
            if price is None or order.state != "working" or client_order_id in already:
                continue
            shares = order.remaining if self.largest_fill is None else min(order.remaining, self.largest_fill)
            if order.request.side == "sell" and not self.capabilities.short:
                shares = min(shares, self.shares.get(order.request.symbol, ZERO))
            if shares > 0:
                self.fill(client_order_id, shares, price)
                filled.add(client_order_id)
        for symbol, path in self.paths.items():
            self.paths[symbol] = Path(path.last)
        return filled

    def _book(self, symbol: str, side: str, shares: Decimal, price: Decimal, client_order_id: str) -> None:
        signed = shares if side == "buy" else -shares
        self.shares[symbol] = self.shares.get(symbol, ZERO) + signed
        self.cash -= signed * price
        self.fills.append(
            BrokerFill(
                activity_id=str(len(self.fills) + 1),
                client_order_id=client_order_id,
                quantity=shares,
                price=price,
                time=self.now,
            )
        )

    def _price(self, symbol: str) -> Decimal:
        return self.paths[symbol].last if symbol in self.paths else CENT
