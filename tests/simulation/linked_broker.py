"""The second broker, whose stop and target of one lot are linked where they lock its shares once."""

from decimal import Decimal

from tests.livetrading.second_broker.broker import SecondBroker


class LinkedBroker(SecondBroker):
    def fill(self, client_order_id: str, quantity: object, price: float | Decimal) -> None:
        super().fill(client_order_id, quantity, price)
        order = self.orders[client_order_id]
        if not self.locks_together or not order.closes or order.parent or order.request.type == "market":
            return
        for other in self.open_of(order.closes):
            if other is not order and other.request.type not in ("market", order.request.type):
                other.quantity = other.total - Decimal(str(quantity))
                if other.remaining <= 0:
                    self._end(other, "cancelled", "The other exit was filled.")
