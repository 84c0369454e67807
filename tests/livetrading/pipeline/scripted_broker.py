"""A broker whose answers a test scripts: partial fills, lost responses, orders that it does not report any more.

Its cash and positions follow its fills, so that they agree with the desk's records until a test changes them.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import (
    AccountReport,
    BrokerActivity,
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    Capabilities,
    OrderRequest,
    OutcomeUnknown,
)
from livetrading.models import BrokerAccount, LiveStrategy, Order, OrderState
from livetrading.pipeline import execute as execute_module
from livetrading.pipeline import tick as tick_module
from livetrading.pipeline.protection import exits_of_entry
from livetrading.pipeline.reconcile import Reconciled, reconcile
from tests.livetrading.factories import make_order
from tests.livetrading.made_bars import CLOSES, NOW, TIMES
from tradedesk.core.rules import RiskRules

AT_FILL = Capabilities(attached_exits_at_fill=True, fractional=True, fractional_exits=True, unique_client_ids=True)


@dataclass
class ScriptedBroker:
    """orders: by client_order_id, in their current state. fills, activities: in order, with the ids "1", "2", ...
    held: shares by symbol. failing: the error of each method that does not answer. lose_responses: whether a
    submit arrives, but is not answered. submitted, replaced, cancelled: the requests, in order."""

    capabilities: Capabilities = AT_FILL
    orders: dict[str, BrokerOrder] = field(default_factory=dict)
    fills: list[BrokerFill] = field(default_factory=list)
    activities: list[BrokerActivity] = field(default_factory=list)
    cash: Decimal = Decimal(100_000)
    held: defaultdict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    blocked: str = ""
    failing: dict[str, Exception] = field(default_factory=dict)
    lose_responses: bool = False
    submitted: list[OrderRequest] = field(default_factory=list)
    replaced: list[tuple[str, OrderRequest]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    requested_cursors: list[str] = field(default_factory=list)

    # --- The script ---

    def report_order(self, order: Order, state: str = "working", filled: object = 0, **fields: Any) -> BrokerOrder:
        """Report this order of the desk with its filled quantity; a second call changes the order."""
        values: dict[str, Any] = {
            "client_order_id": order.client_order_id,
            "broker_order_id": f"at-broker-{order.client_order_id[-6:]}",
            "state": state,
            "quantity": order.quantity,
            "filled_quantity": Decimal(str(filled)),
            "limit_price": order.limit_price,
            "stop_price": order.stop_price,
        }
        made = BrokerOrder(**(values | fields))
        self.orders[made.client_order_id] = made
        return made

    def fill(
        self, order: Order, quantity: object, price: object, commission: object = 0, time: datetime = TIMES[1]
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
        signed = made.quantity if order.side == "buy" else -made.quantity
        self.held[order.symbol] += signed
        self.cash -= signed * made.price + made.commission
        return made

    def filled(self, order: Order, price: object, **fields: Any) -> BrokerFill:
        """Fill the whole order at once, and report it as filled."""
        self.report_order(order, "filled", order.quantity)
        return self.fill(order, order.quantity, price, **fields)

    def pay(self, kind: str, amount: object, **fields: Any) -> None:
        """An activity that changes the cash."""
        number = str(len(self.activities) + 1)
        values: dict[str, Any] = {"activity_id": number, "kind": kind, "amount": Decimal(str(amount))}
        self.activities.append(BrokerActivity(**({"time": TIMES[1]} | values | fields)))
        self.cash += Decimal(str(amount))

    def _answer(self, method: str) -> None:
        if method in self.failing:
            raise self.failing[method]

    # --- The broker ---

    def account(self) -> AccountReport:
        self._answer("account")
        return AccountReport(cash=self.cash, equity=self.cash, buying_power=self.cash, blocked=self.blocked)

    def positions(self) -> list[BrokerPosition]:
        self._answer("positions")
        return [BrokerPosition(symbol=symbol, quantity=shares) for symbol, shares in self.held.items() if shares]

    def submit(self, request: OrderRequest) -> BrokerOrder:
        self.submitted.append(request)
        self._answer("submit")
        if request.client_order_id not in self.orders:
            self.orders[request.client_order_id] = _working(request)
        if self.lose_responses:
            raise OutcomeUnknown("connection reset")
        return self.orders[request.client_order_id]

    def replace(self, client_order_id: str, request: OrderRequest) -> BrokerOrder:
        self.replaced.append((client_order_id, request))
        self._answer("replace")
        self.orders[client_order_id] = replace(self.orders[client_order_id], state="cancelled")
        self.orders[request.client_order_id] = _working(request)
        return self.orders[request.client_order_id]

    def cancel(self, client_order_id: str) -> None:
        self.cancelled.append(client_order_id)
        self._answer("cancel")
        known = self.orders.get(client_order_id)
        if known is not None and known.state == "working":
            self.orders[client_order_id] = replace(known, state="cancelled", reason="Cancelled on request.")

    def order_by_client_id(self, client_order_id: str) -> BrokerOrder | None:
        self._answer("order_by_client_id")
        return self.orders.get(client_order_id)

    def open_orders(self) -> list[BrokerOrder]:
        self._answer("open_orders")
        return [order for order in self.orders.values() if order.state == "working"]

    def fills_since(self, cursor: str) -> list[BrokerFill]:
        self.requested_cursors.append(cursor)
        self._answer("fills_since")
        return [fill for fill in self.fills if int(fill.activity_id) > int(cursor or 0)]

    def activities_since(self, cursor: str) -> list[BrokerActivity]:
        self._answer("activities_since")
        return [each for each in self.activities if int(each.activity_id) > int(cursor or 0)]


def _working(request: OrderRequest) -> BrokerOrder:
    return BrokerOrder(
        client_order_id=request.client_order_id,
        broker_order_id=f"at-broker-{request.client_order_id[-6:]}",
        state="working",
        quantity=request.quantity,
        filled_quantity=Decimal(0),
        limit_price=request.limit_price,
        stop_price=request.stop_price,
    )


def connect(monkeypatch: pytest.MonkeyPatch, broker: ScriptedBroker) -> ScriptedBroker:
    """Make this the broker of every account, for ticks and for sending."""
    for module in (tick_module, execute_module):
        monkeypatch.setattr(module, "broker_for", lambda _account, _now: broker)
    return broker


# --- The desk's side ---


def entry_of(
    live: LiveStrategy,
    quantity: object = 100,
    state: str = OrderState.ACCEPTED,
    *,
    stop: float | None = 0.1,
    target: float | None = None,
    **fields: Any,
) -> Order:
    """An entry of the strategy with its attached protective exits, which wait for its fill."""
    values = {
        "quantity": Decimal(str(quantity)),
        "state": state,
        "account": live.account,
        "created_at": CLOSES[1],
    }
    entry = make_order(user=live.user, live_strategy=live, **(values | fields))
    legs = exits_of_entry(entry, RiskRules(stop_loss_pct=stop or 0.1, take_profit_pct=target), 10.0, AT_FILL)
    Order.objects.bulk_create(leg for leg in legs if stop or leg.purpose != Order.Purpose.STOP_LOSS)
    return entry


def leg_of(entry: Order, purpose: str = "stop_loss") -> Order:
    return entry.exits.get(purpose=purpose)


def exit_of(entry: Order, quantity: object = 100, **fields: Any) -> Order:
    values: dict[str, Any] = {
        "live_strategy": entry.live_strategy,
        "account": entry.account,
        "symbol": entry.symbol,
        "side": "sell",
        "purpose": "exit",
        "quantity": Decimal(str(quantity)),
        "opening_order": entry,
        "state": OrderState.ACCEPTED,
    }
    return make_order(user=entry.user, **(values | fields))


def account_now(live: LiveStrategy) -> BrokerAccount:
    """The strategy's account as it is stored now."""
    return BrokerAccount.objects.select_related("user").get(pk=live.account_id)


def run_reconcile(
    live: LiveStrategy, broker: ScriptedBroker, now: datetime = CLOSES[1], wall_now: datetime = NOW
) -> Reconciled:
    return reconcile(account_now(live), broker, now, wall_now)


def fresh(order: Order) -> Order:
    order.refresh_from_db()
    return order
