"""An account of the stand-in: how its orders are matched, and what the test does with it."""

from dataclasses import dataclass, field
from decimal import Decimal

from tests.alpaca_server.activities import trade
from tests.alpaca_server.books import Holding
from tests.alpaca_server.events import Events
from tests.alpaca_server.market import ZERO, Path, nanoseconds
from tests.alpaca_server.orders import Order

URGENCY = ("market", "stop", "stop_limit", "limit")


@dataclass
class Account(Events):
    """largest_fill: shares that one order gets in one piece of work, outside the opening auction. reject_next: the
    types of the next orders that are rejected after they were accepted; "any" for all types. stuck: orders whose
    cancellations take no effect. fee_rate: the part of each sale that is a fee, booked on the next day."""

    largest_fill: Decimal | None = None
    reject_next: list[str] = field(default_factory=list)
    stuck: set[str] = field(default_factory=set)
    fee_rate: Decimal = ZERO

    def work(self) -> None:
        """Fill what the prices have touched, then let the requests that wait take effect, then fill what is
        new."""
        with self.lock:
            self.pass_time()
            filled = self._match(set())
            self.answer()
            self._match(filled)

    def answer(self) -> None:
        """Let the requests that wait take effect, without a trade."""
        with self.lock:
            self.pass_time()
            for order in list(self.orders.values()):
                if not order.is_open:
                    continue
                if order.wanted == "accept":
                    self._accept(order)
                elif order.wanted == "cancel" and order.client_order_id not in self.stuck:
                    self._cancel(order)
                elif order.status == "accepted" and self.market.is_open:
                    order.status = "new"
                    self.emit("new", order)

    def _accept(self, order: Order) -> None:
        if self.reject_next and self.reject_next[0] in (order.type, "any"):
            self.reject_next.pop(0)
            self._end_replacement(order)
            return
        order.wanted = ""
        parent = None if order.parent is None else self.order(order.parent)
        if order.replaces is not None:
            old = self.order(order.replaces)
            assert old is not None
            left = order.qty - (old.filled - order.begun)  # without what was filled since it was asked for
            if not old.is_open or left <= 0 or (old.works and left > self._sellable(order)):
                self._end_replacement(order)
                return
            order.qty = left
            order.works, held = old.works, old.status == "held"
            self._mark(old, "replaced")
            old.replaced_by = order.id
            for leg in self.legs.pop(old.id, []):
                leg.parent = order.id
                self.legs.setdefault(order.id, []).append(leg)
            if not order.works or held:
                return
        elif parent is not None:
            return
        order.works = True
        order.status = "new" if self.market.is_open else "accepted"
        self.emit(order.status, order)
        if order.role == "take_profit" and parent is None:  # the stop of an oco is watched from now on
            for leg in self.legs_of(order):
                leg.works = True

    def _cancel(self, order: Order) -> None:
        old = None if order.replaces is None else self.order(order.replaces)
        if old is not None and old.status == "pending_replace":
            self._mark(old, "replaced")
            old.replaced_by = order.id
        self.end(order, "canceled")

    def _sellable(self, order: Order) -> Decimal:
        held = self.held(order.symbol) * (1 if order.side == "sell" else -1)
        return held if held > 0 else order.qty

    def _end_replacement(self, order: Order) -> None:
        """Reject this order; the one that it should have replaced goes on."""
        old = None if order.replaces is None else self.order(order.replaces)
        if old is None:
            self.end(order, "rejected")
            return
        self._mark(order, "rejected")
        if old.is_open and old.status == "pending_replace":
            old.status = "partially_filled" if old.filled else "new"

    # --- Fills ---

    def fill(self, client_order_id: str, quantity: object, price: float | str | Decimal) -> None:
        """Execute a part of an order, whatever its state."""
        order, shares, paid = self.orders[client_order_id], Decimal(str(quantity)), Decimal(str(price))
        with self.lock:
            order.filled += shares
            order.paid += shares * paid
            if order.remaining <= 0:
                self._mark(order, "filled")
            elif order.status in ("new", "accepted", "pending_new"):
                order.status, order.updated = "partially_filled", self.market.stamp()
            self.book_trade(order.symbol, order.side, shares, paid)
            self.activities.append(trade(self.market, order, shares, paid))
            self._emit_trade(self.activities[-1], order)
            if order.side == "sell" and self.fee_rate:
                fee = (shares * paid * self.fee_rate).quantize(Decimal("0.01"))
                self.unbooked.append((self.market.new_york.date(), fee))
            self._after_fill(order, shares)

    def _after_fill(self, order: Order, shares: Decimal) -> None:
        if order.role == "entry":
            if order.status == "filled":
                self._activate(self.legs_of(order))
            return
        for other in self.group_of(order):
            if other.role == "entry" or other.replaces == order.id:
                continue
            if order.status == "filled":
                self._mark(other, "canceled")
            else:
                other.qty -= shares

    def _activate(self, legs: list[Order]) -> None:
        open_legs = [leg for leg in legs if leg.is_open]
        pair = len({leg.role for leg in open_legs}) > 1
        for leg in open_legs:
            if leg.wanted == "accept":
                continue  # it works when it has replaced the other one
            leg.works = True
            if leg.status == "held" and not (pair and leg.role == "stop_loss"):
                leg.status, leg.updated = "new", self.market.stamp()
                self.emit("new", leg)

    def _match(self, already: set[str]) -> set[str]:
        """Fill what the prices have touched, except these orders. Returns the client_order_ids of what was
        filled."""
        filled = set[str]()
        working = [order for order in self.orders.values() if order.works and order.is_open]
        for order in sorted(working, key=lambda order: URGENCY.index(order.type)):
            known = order.client_order_id
            if known in already or not order.is_open or not self._trades(order):
                continue
            price = order.price_from(self.paths[order.symbol])
            if price is None:
                continue
            shares = order.remaining
            if self.largest_fill is not None and order.time_in_force != "opg":
                shares = min(shares, self.largest_fill)
            if order.side == "sell" and order.position_intent == "sell_to_close":
                shares = min(shares, self.held(order.symbol))
            if shares > 0:
                self.fill(known, shares, price)
                filled.add(known)
        for symbol, path in self.paths.items():
            self.paths[symbol] = Path(path.last)
        for order in working:
            if order.time_in_force == "opg" and order.expires <= nanoseconds(self.market.now):
                self.end(order, "canceled")
        return filled

    def _trades(self, order: Order) -> bool:
        """Whether this order can be filled now."""
        if order.symbol in self.market.halted:
            return False
        if order.time_in_force == "opg":
            return self.market.is_open and order.expires <= nanoseconds(self.market.now)
        if order.extended_hours:
            return self.market.takes_extended_orders
        return self.market.is_open

    # --- What the owner does without the desk ---

    def trade_outside(self, symbol: str, quantity: int, price: float) -> Order:
        """A market order of the account's owner; quantity below zero sells."""
        side = "buy" if quantity > 0 else "sell"
        body = {
            "symbol": symbol,
            "side": side,
            "qty": str(abs(quantity)),
            "type": "market",
            "time_in_force": "day",
        }
        order = self.submit(body)
        self._accept(order)
        self.fill(order.client_order_id, abs(quantity), price)
        return order

    def hold(self, symbol: str, quantity: int, cost: float) -> None:
        """A position from before, without an order or an activity."""
        self.holdings[symbol] = Holding(Decimal(quantity), Decimal(quantity) * Decimal(str(cost)))

    def liquidate(self) -> None:
        """The broker cancels all orders and closes all positions, as after a margin call."""
        with self.lock:
            self._cancel_all()
            for symbol, holding in list(self.holdings.items()):
                if holding.qty:
                    self.trade_outside(symbol, int(-holding.qty), float(self.price(symbol)))
