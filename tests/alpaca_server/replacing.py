"""How the stand-in takes replacements and cancellations of orders that are at work."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.alpaca_server import checks
from tests.alpaca_server.checks import Wanted, price_of, refuse
from tests.alpaca_server.orders import UNREPLACEABLE, Order
from tests.alpaca_server.placing import Placing
from tests.alpaca_server.wire import Refusal


@dataclass
class Replacing(Placing):
    def replace(self, order_id: str, body: dict[str, Any]) -> Order:
        """The order that will replace this one. Raises Refusal."""
        client_order_id = "" if self.shares_first else self._new_client_id(body)
        old = self._known(order_id)
        if not old.is_open:
            raise refuse(f'order is already in "{old.status}" state')
        if old.status in UNREPLACEABLE:
            raise refuse(f"cannot replace order in {old.status} status")
        if not old.is_whole:
            raise refuse("fractional orders cannot be replaced")
        self._check_account()
        wanted = self._changed(old, body)
        changed = ("qty", "time_in_force", "limit_price", "stop_price")
        if all(getattr(wanted, name) == getattr(old, name) for name in changed):
            raise refuse("order parameters are not changed")
        if any(each.status == "pending_replace" for each in self.group_of(old)):
            raise refuse("order chain not fully replaced")
        price = self.price(old.symbol)
        checks.check_stop(wanted.side, wanted.stop_price, price)
        if self.wash_rule and not old.order_class:
            others = [each for each in self.orders.values() if each is not old]
            checks.check_wash(wanted.side, wanted.type, wanted.limit_price, old.symbol, others)
        if not old.is_leg or old.works:
            self._check_shares(wanted, price, without=old)
        new = self._new(
            client_order_id or self._new_client_id(body),
            wanted,
            limit_price=wanted.limit_price,
            group=old.group,
            role=old.role,
            parent=old.parent,
            replaces=old.id,
        )
        new.position_intent, new.begun = old.position_intent, old.filled
        if old.status == "held":
            new.status = "held"
        else:
            old.status = "pending_replace"
        old.updated = self.market.stamp()
        return new

    def _changed(self, old: Order, body: dict[str, Any]) -> Wanted:
        """The order that replaces `old`: what the body does not name stays. So does the quantity, though a part of
        it may be filled; in a bracket, oto or oco it is what remains."""
        usual = old.qty if old.group is None else old.remaining
        qty = Decimal(str(body["qty"])) if body.get("qty") is not None else usual
        if qty <= 0 or qty != qty.to_integral_value():
            raise refuse("qty must be a whole number greater than 0")
        if old.group is not None and qty != usual:
            raise refuse("qty of a bracket, oto or oco order cannot be replaced")
        time_in_force = body.get("time_in_force") or old.time_in_force
        if time_in_force not in ("day", "gtc", "opg"):
            raise refuse("invalid time_in_force", checks.UNREADABLE)
        prices = {}
        for name in ("limit_price", "stop_price"):
            prices[name] = price_of(body, name)
            if prices[name] is not None and getattr(old, name) is None:
                raise refuse(f"{old.type} orders must not have {name.replace('_', ' ')}", checks.UNREADABLE)
            prices[name] = prices[name] if prices[name] is not None else getattr(old, name)
        return Wanted(
            asset=old.asset,
            side=old.side,
            type=old.type,
            time_in_force=time_in_force,
            qty=qty,
            order_class=old.order_class,
            extended_hours=old.extended_hours,
            take_profit=None,
            stop_loss=None,
            limit_price=prices["limit_price"],
            stop_price=prices["stop_price"],
        )

    def cancel(self, order_id: str) -> None:
        """Raises Refusal."""
        order = self._known(order_id)
        if not order.is_open:
            raise refuse(f'order is already in "{order.status}" state')
        if order.status in ("pending_cancel", "pending_replace"):
            raise refuse(f"order is not cancelable in {order.status} status")
        order.status, order.wanted = "pending_cancel", "cancel"
        order.updated = self.market.stamp()
        self.emit("pending_cancel", order)

    def _known(self, order_id: str) -> Order:
        order = self.order(order_id)
        if order is None:
            raise Refusal(404, 40410000, f"order not found for {order_id}")
        return order
