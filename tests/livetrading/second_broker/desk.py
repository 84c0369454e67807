"""The pipeline with an account at the second broker: the one place where the tests connect the two."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.protocol import Capabilities
from livetrading.models import BrokerAccount, LiveStrategy, Order
from livetrading.models.order import FINAL
from livetrading.models.trade import Trade, trades_of
from livetrading.pipeline import execute, tick
from livetrading.pipeline.requeue import lost_orders
from livetrading.services import closing
from tests.livetrading.made_bars import CLOSES, NOW, OPENS, TWO_BARS, store_bars, traded
from tests.livetrading.pipeline.desk import WALL, deployed
from tests.livetrading.second_broker.broker import SecondBroker
from tests.livetrading.second_broker.invariants import check_books, check_protected, check_sales
from tests.livetrading.second_broker.market import Path, PlacedOrder, dollars
from tradedesk.accounts.models import Mode, User

CASH = Decimal(10_000)
# 100 shares at a close of 11, with a stop at 9 and a target at 12 when they are bought at 10.
RULES: dict[str, Any] = {
    "position_size_pct": 0.5,
    "max_position_size": Decimal(1105),
    "stop_loss_pct": 0.1,
    "take_profit_pct": 0.2,
}


@dataclass
class SecondDesk:
    """One account at a second broker, and one live strategy of TWO_BARS on the symbol W. rows: the daily bars so
    far, each with open, high, low and close. outbox: the orders to send."""

    account: BrokerAccount
    broker: SecondBroker
    live: LiveStrategy
    now: datetime = CLOSES[0]
    wall: datetime = NOW
    rows: list[tuple[float, float, float, float]] = field(default_factory=list)
    outbox: list[uuid.UUID] = field(default_factory=list)

    # --- Time and prices ---

    def close_bar(self, *row: float) -> None:
        """The next daily bar has closed. row: open, high, low and close, or one price for all of them."""
        open_, high, low, close = row if len(row) == 4 else row * 4
        self.rows.append((open_, high, low, close))
        store_bars(W=traded(*self.rows))
        self.set_time(CLOSES[len(self.rows) - 1])

    def open_day(self, price: float) -> None:
        """The session after the last bar opens at this price."""
        self.broker.jump("W", price)
        self.set_time(OPENS[len(self.rows)])

    def set_time(self, now: datetime) -> None:
        """Market and wall time go on to this market time."""
        self.wall += max(now - self.now, timedelta(0))
        self.now = self.broker.now = now

    def wait(self, seconds: int = 5) -> None:
        self.set_time(self.now + timedelta(seconds=seconds))

    # --- The pipeline ---

    def tick(self) -> None:
        result = tick.tick(self.account.pk, self.now, self.wall)
        self.outbox += [order for order in result.orders if order not in self.outbox]
        check_books(self.account, self.broker, CASH)
        if not result.pause:
            check_protected(self.account)

    def send(self) -> None:
        while self.outbox:
            execute.execute_order(self.outbox.pop(0), self.now, self.wall)
            check_books(self.account, self.broker, CASH)

    def step(self, times: int = 1) -> None:
        """The broker works, then the desk ticks and sends; it also sends what was lost."""
        for _ in range(times):
            self.broker.work()
            self.wait()
            self.tick()
            self.outbox += [order for order in lost_orders(self.wall) if order not in self.outbox]
            self.send()
            check_sales(self.account, self.broker)

    # --- A lot ---

    def order_entry(self) -> Order:
        """A BUY of 100 shares at the close of 11, sent."""
        for price in (10, 10, 11):
            self.close_bar(price)
        self.tick()
        self.send()
        return self.order("entry")

    def hold(self) -> Order:
        """100 shares, bought at 10, with their protective exits in place."""
        entry = self.order_entry()
        self.open_day(10)
        self.step(4)
        return entry

    def signal_exit(self) -> None:
        """Two more bars; the close of the second one signals an exit. The price stays at 9.95."""
        self.broker.move("W", 9.95)
        self.close_bar(10, 10, 9.98, 9.98)
        self.step()
        self.close_bar(9.95)
        self.tick()
        self.send()

    # --- What is known ---

    def orders(self, purpose: str) -> list[Order]:
        return list(self.account.orders.filter(purpose=purpose).order_by("created_at", "state_changed_at"))

    def order(self, purpose: str) -> Order:
        """The newest order of this purpose."""
        return self.orders(purpose)[-1]

    def states(self, purpose: str) -> list[str]:
        return [str(order.state) for order in self.orders(purpose)]

    def trade(self) -> Trade:
        (trade,) = trades_of(self.account, self.account.mode)
        return trade

    def on_sale(self) -> list[tuple[str, Decimal, Decimal | None]]:
        """Type, remaining shares and price of the broker's open sales, the held ones too."""
        found = [o for o in self.broker.orders.values() if o.is_open and o.request.side == "sell"]
        return sorted(((o.request.type, o.remaining, o.trigger) for o in found), key=str)

    def placed(self, order: Order) -> PlacedOrder:
        return self.broker.orders[order.client_order_id]

    def unfinished(self) -> list[str]:
        return [f"{order.purpose} {order.state}" for order in self.account.orders.exclude(state__in=FINAL)]

    def incidents(self) -> list[str]:
        """The kinds of the incidents that were reported, in their order."""
        reported = self.account.incidents.exclude(reported_at=None).order_by("pk")
        return list(reported.values_list("kind", flat=True))


def second_desk(
    monkeypatch: pytest.MonkeyPatch, user: User, capabilities: Capabilities, mode: str = Mode.PAPER, **rules: Any
) -> SecondDesk:
    """An account of this user at a second broker. rules: of the strategy, besides RULES."""
    broker = SecondBroker(capabilities, cash=CASH, paths={"W": Path(dollars(11))})
    monkeypatch.setattr(tick, "broker_for", lambda account, now: broker)
    monkeypatch.setattr(execute, "broker_for", lambda account, now: broker)
    monkeypatch.setattr(closing, "broker_for", lambda account, now: broker)
    names = {"broker": "second", "mode": mode, "name": "Second"}
    account = BrokerAccount.objects.create(user=user, verified_at=WALL, **names)
    if user.mode != mode:
        user.mode = mode
        user.save()
    values = TWO_BARS | {"next_check_at": CLOSES[0]} | RULES | rules
    live = deployed(user, values.pop("kind"), ["W"], equity=float(CASH), account=account, **values)
    return SecondDesk(account, broker, live)
