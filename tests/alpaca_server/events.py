"""What happens to an account besides its orders: time, fees, corporate actions, transfers, busts and resets."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tests.alpaca_server.activities import Activity, other, trade
from tests.alpaca_server.books import Holding
from tests.alpaca_server.market import ZERO, nanoseconds
from tests.alpaca_server.orders import Order
from tests.alpaca_server.replacing import Replacing
from tests.alpaca_server.wire import number


@dataclass
class Events(Replacing):
    def pass_time(self) -> None:
        """What the clock alone brings about: orders expire, and the fees of past days are booked."""
        now, today = nanoseconds(self.market.now), self.market.new_york.date()
        for order in list(self.orders.values()):
            if order.is_open and order.time_in_force != "opg" and order.expires <= now:
                self.end(order, "expired")
        due = [(day, fee) for day, fee in self.unbooked if day < today]
        self.unbooked = [each for each in self.unbooked if each not in due]
        for day in sorted({day for day, _ in due}):
            self.charge(sum((fee for at, fee in due if at == day), ZERO), day=day)

    def end(self, order: Order, status: str) -> None:
        """End this order, and what is left of its bracket, oto or oco."""
        if not order.is_open:
            return
        self._mark(order, status)
        for each in self.group_of(order):
            self._mark(each, status if status == "expired" else "canceled")

    def end_day(self, *, all_orders: bool = False) -> None:
        """Day orders expire; with all_orders those that are good till cancelled, too."""
        with self.lock:
            for order in list(self.orders.values()):
                if all_orders or order.time_in_force == "day":
                    self.end(order, "expired")

    def _mark(self, order: Order, status: str) -> None:
        stamp = self.market.stamp()
        order.status, order.works, order.wanted, order.updated = status, False, "", stamp
        order.times[status] = stamp
        if status != "filled":  # the fill tells of it
            self.emit(status, order)

    def book_trade(self, symbol: str, side: str, shares: Decimal, price: Decimal) -> None:
        signed = shares if side == "buy" else -shares
        self.holdings.setdefault(symbol, Holding()).add(signed, price)
        self.cash -= signed * price

    # --- Money ---

    def charge(self, amount: object, kind: str = "FEE", *, day: date | None = None, **more: Any) -> Activity:
        """Take this amount from the cash; a fee by default. day: the date that it is for."""
        return self.book(
            kind, -Decimal(str(amount)), day=day, **({"sub_type": "TAF"} if kind == "FEE" else {}) | more
        )

    def book(self, kind: str, amount: object = "0", *, day: date | None = None, **more: Any) -> Activity:
        """An activity of this type that adds the amount to the cash, such as CSD, INT or ACATC."""
        with self.lock:
            money = Decimal(str(amount))
            self.cash += money
            activity = other(self.market, kind, day or self.market.new_york.date(), money, **more)
            self.activities.append(activity)
            return activity

    def pay_dividend(self, symbol: str, per_share: object, *, day: date | None = None) -> Activity:
        held, rate = self.held(symbol), Decimal(str(per_share))
        return self.book("DIV", held * rate, day=day, symbol=symbol, qty=held, per_share=rate, sub_type="CDIV")

    # --- Shares ---

    def split(self, symbol: str, new: int, old: int, *, day: date | None = None) -> list[Activity]:
        """`old` shares become `new` ones. The open orders of the symbol are cancelled. A forward split is an
        activity with the shares that came; a reverse one has two, with the shares that went and those that came.
        """
        with self.lock:
            self._cancel_all(symbol)
            holding = self.holdings.setdefault(symbol, Holding())
            before, after = holding.qty, holding.qty * new / old
            holding.qty = after
            price = self.market.prices[symbol] * old / new
            self.market.closes[symbol] = self.market.closes[symbol] * old / new
            self.market.jump(symbol, price.quantize(Decimal("0.0001")))
            if new > old:
                return [self.book("SPLIT", day=day, symbol=symbol, qty=after - before, sub_type="FSPLIT")]
            group = self.market.new_id()
            return [
                self.book("SPLIT", day=day, symbol=symbol, qty=qty, sub_type="RSPLIT", group=group)
                for qty in (-before, after)
            ]

    def rename(self, symbol: str, new: str, *, day: date | None = None) -> list[Activity]:
        """The symbol changes: two activities of one group, with the shares that went and those that came."""
        with self.lock:
            self._cancel_all(symbol)
            if new not in self.market.assets:
                self.market.list_asset(new, self.market.prices[symbol])
            self.market.assets[symbol].status, self.market.assets[symbol].tradable = "inactive", False
            holding = self.holdings.pop(symbol, Holding())
            self.holdings[new] = holding
            group = self.market.new_id()
            return [
                self.book("NC", day=day, symbol=name, qty=qty, sub_type="SNC", group=group)
                for name, qty in ((symbol, -holding.qty), (new, holding.qty))
            ]

    def transfer(self, symbol: str, quantity: object, *, day: date | None = None) -> Activity:
        """Shares that come from or go to another broker."""
        with self.lock:
            qty = Decimal(str(quantity))
            self.holdings.setdefault(symbol, Holding()).add(qty, self.price(symbol))
            return self.book("ACATS", day=day, symbol=symbol, qty=qty)

    # --- Trades that are undone ---

    def bust(self, activity_id: str, *, price: object = None, quantity: object = None) -> Activity:
        """Undo this fill as if it never was; with a price or a quantity, make it one at that price or of that
        quantity. The order stays in its state."""
        with self.lock:
            fill = next(each for each in self.activities if each.id == activity_id)
            assert all(each.previous_id != fill.execution for each in self.activities), "undone already"
            order = self.order(fill.order_id)
            assert order is not None
            corrected = price is not None or quantity is not None
            after = Decimal(str(quantity if quantity is not None else fill.qty)) if corrected else ZERO
            paid = Decimal(str(price if price is not None else fill.price))
            order.filled += after - fill.qty
            order.paid += after * paid - fill.qty * fill.price
            back = "sell" if order.side == "buy" else "buy"
            self.book_trade(fill.symbol, back, fill.qty, fill.price)
            self.book_trade(fill.symbol, order.side, after, paid)
            activity = trade(
                self.market,
                order,
                after if corrected else fill.qty,
                paid,
                word="trade_correct" if corrected else "trade_bust",
                previous_id=fill.execution,
            )
            self.activities.append(activity)
            self._emit_trade(activity, order)
            return activity

    def _emit_trade(self, activity: Activity, order: Order) -> None:
        """An execution, or what became of one."""
        event = activity.answer["type"]
        fields = {"price": activity.answer["price"], "qty": activity.answer["qty"]}
        position = number(self.held(order.symbol))
        self.emit(event, order, execution_id=activity.execution, position_qty=position, **fields)

    # --- The whole account ---

    def reset(self, cash: object = "100000") -> None:
        """A paper account that its owner reset: another account behind the same key."""
        with self.lock:
            for kept in (
                self.orders,
                self.by_id,
                self.legs,
                self.holdings,
                self.activities,
                self.hidden,
                self.unbooked,
            ):
                kept.clear()
            self.cash = self.last_equity = Decimal(str(cash))
            self.id = self.market.new_id()
            self.number = f"PA{self.id.replace('-', '')[:10].upper()}"
            self.created = self.market.stamp()

    def _cancel_all(self, symbol: str = "") -> None:
        for order in list(self.orders.values()):
            if symbol in ("", order.symbol):
                self.end(order, "canceled")
