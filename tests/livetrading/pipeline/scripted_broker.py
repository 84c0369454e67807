"""A broker with scripted responses for reconcile: partial fills, orders that it does not report any more."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from livetrading.brokers.protocol import BrokerFill, BrokerOrder
from livetrading.models import LiveStrategy, Order, OrderState
from livetrading.pipeline.reconcile import reconcile
from tests.livetrading.factories import make_order
from tests.livetrading.made_bars import CLOSES, NOW, TIMES
from tradedesk.accounts.models import Mode, User


def leg_id(entry: Order, kind: str) -> str:
    return f"{entry.client_order_id}-{kind[:4]}"


@dataclass
class ScriptedBroker:
    """orders: by client_order_id, in their current state. fills: in order, with the activity ids "1", "2", ..."""

    orders: dict[str, BrokerOrder] = field(default_factory=dict)
    fills: list[BrokerFill] = field(default_factory=list)
    requested_cursors: list[str] = field(default_factory=list)

    def report_order(self, order: Order, state: str = "working", filled: object = 0, **fields: Any) -> BrokerOrder:
        """Report this order of the desk with its filled quantity; a second call changes the order."""
        values: dict[str, Any] = {
            "client_order_id": order.client_order_id,
            "broker_order_id": f"at-broker-{order.client_order_id[-6:]}",
            "state": state,
            "symbol": order.symbol,
            "side": order.side,
            "quantity": order.quantity,
            "filled_quantity": Decimal(str(filled)),
        }
        return self.add_order(BrokerOrder(**(values | fields)))

    def add_order(self, order: BrokerOrder) -> BrokerOrder:
        self.orders[order.client_order_id] = order
        return order

    def leg(self, entry: Order, kind: str, price: float, **fields: Any) -> BrokerOrder:
        """Report a protective exit for the lot of this entry."""
        made = self.report_order(
            entry,
            client_order_id=leg_id(entry, kind),
            side="sell",
            kind=kind,
            closes=entry.client_order_id,
            trigger_price=Decimal(str(price)),
        )
        return self.add_order(replace(made, **fields))

    def fill(
        self,
        order: Order | BrokerOrder,
        quantity: object,
        price: object,
        commission: object = 0,
        time: datetime = TIMES[1],
    ) -> BrokerFill:
        made = BrokerFill(
            activity_id=str(len(self.fills) + 1),
            client_order_id=order.client_order_id,
            quantity=Decimal(str(quantity)),
            price=Decimal(str(price)),
            commission=Decimal(str(commission)),
            time=time,
        )
        self.fills.append(made)
        return made

    # --- The methods that reconcile calls ---

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        self.requested_cursors.append(cursor)
        return [fill for fill in self.fills if int(fill.activity_id) > int(cursor or 0)]

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        return self.orders.get(client_order_id)

    def open_orders(self) -> list[BrokerOrder]:
        return [order for order in self.orders.values() if order.state == "working"]


def always(broker: ScriptedBroker) -> Callable[[int, str, datetime], ScriptedBroker]:
    """A replacement of services.accounts.broker_for that returns this broker."""
    return lambda _user_id, _mode, _now: broker


# --- The desk's side ---


def entry_of(live: LiveStrategy, quantity: int = 100, state: str = OrderState.ACCEPTED, **fields: Any) -> Order:
    values = {"quantity": Decimal(quantity), "stop_loss_pct": 0.1, "state": state}
    return make_order(user=live.user, live_strategy=live, **(values | fields))


def exit_of(entry: Order, quantity: int = 100) -> Order:
    return make_order(
        user=entry.user,
        live_strategy=entry.live_strategy,
        side="sell",
        purpose="exit",
        quantity=Decimal(quantity),
        opening_order=entry,
        state=OrderState.ACCEPTED,
    )


def run_reconcile(user: User, day: int = 1) -> None:
    reconcile(user.pk, Mode.PAPER, CLOSES[day], NOW)


def fresh(order: Order) -> Order:
    order.refresh_from_db()
    return order
