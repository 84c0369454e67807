"""The pipeline with an account at Alpaca's stand-in, through the real adapter."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from livetrading.models import BrokerAccount, LiveStrategy, Order
from livetrading.models.order import FINAL
from livetrading.models.trade import Trade, trades_of
from livetrading.pipeline.execute import execute_order
from livetrading.pipeline.requeue import lost_orders
from livetrading.pipeline.tick import tick
from tests.alpaca_server.account import Account
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.stand_in import StandIn, stand_in
from tests.livetrading.made_bars import CLOSES, NOW, OPENS, TWO_BARS, store_bars, traded
from tests.livetrading.pipeline.desk import deployed
from tests.livetrading.second_broker.desk import RULES
from tradedesk.accounts.models import User
from tradedesk.core.money import CENT

CASH = Decimal(10_000)


@dataclass
class AlpacaDesk:
    """One account at Alpaca, and live strategies of TWO_BARS on the symbol W. rows: the daily bars so far, each
    with open, high, low and close. outbox: the orders to send. seconds: of market time between two steps."""

    alpaca: StandIn
    user: User
    wall: datetime = NOW
    rows: list[tuple[float, float, float, float]] = field(default_factory=list)
    outbox: list[uuid.UUID] = field(default_factory=list)
    seconds: int = 6

    @property
    def books(self) -> Account:
        return self.alpaca.books

    @property
    def server(self) -> AlpacaServer:
        return self.alpaca.server

    @property
    def account(self) -> BrokerAccount:
        return BrokerAccount.objects.get(pk=self.alpaca.account.pk)

    @property
    def now(self) -> datetime:
        return self.server.market.now

    def deploy(self, **fields: Any) -> LiveStrategy:
        """fields: besides RULES and those of TWO_BARS."""
        values = TWO_BARS | {"next_check_at": CLOSES[0], "symbols": ["W"]} | RULES | fields
        kind, symbols = values.pop("kind"), values.pop("symbols")
        return deployed(self.user, kind, symbols, equity=float(CASH), account=self.account, **values)

    # --- Time and prices ---

    def set_time(self, now: datetime) -> None:
        self.wall += max(now - self.now, timedelta(0))
        self.server.market.now = now

    def close_bar(self, *row: float) -> None:
        """The next daily bar has closed. row: open, high, low and close, or one price for all of them."""
        self.rows.append(row if len(row) == 4 else (row[0],) * 4)
        store_bars(W=traded(*self.rows))
        self.set_time(CLOSES[len(self.rows) - 1])

    def open_day(self, price: float) -> None:
        """The session after the last bar opens at this price."""
        self.books.answer()  # what was asked for overnight has taken effect
        self.server.market.jump("W", price)
        self.set_time(OPENS[len(self.rows)])

    # --- The pipeline ---

    def tick(self) -> None:
        result = tick(self.account.pk, self.now, self.wall)
        self.outbox += [order for order in result.orders if order not in self.outbox]

    def send(self) -> None:
        while self.outbox:
            execute_order(self.outbox.pop(0), self.now, self.wall)

    def step(self, times: int = 1, *, trades: bool = True) -> None:
        """Alpaca works, then the desk ticks and sends; it also sends what was lost. trades: whether there is a
        trade at the market, or only answers."""
        for _ in range(times):
            if trades:
                self.books.work()
            else:
                self.books.answer()
            self.set_time(self.now + timedelta(seconds=self.seconds))
            self.tick()
            self.outbox += [order for order in lost_orders(self.wall) if order not in self.outbox]
            self.send()
            self.check_books()

    def order_entries(self) -> None:
        """A BUY of 100 shares at the close of 11 by each strategy, sent."""
        for price in (10, 10, 11):
            self.close_bar(price)
        self.tick()
        self.send()

    def hold(self) -> None:
        """100 shares for each strategy, bought at 10, with their protective exits in place."""
        self.order_entries()
        self.open_day(10)
        self.step(4)

    # --- What is known ---

    def orders(self, purpose: str) -> list[Order]:
        return list(self.account.orders.filter(purpose=purpose).order_by("created_at", "state_changed_at"))

    def states(self, purpose: str) -> list[str]:
        return [str(order.state) for order in self.orders(purpose)]

    def trades(self) -> list[Trade]:
        return list(trades_of(self.account, self.account.mode).order_by("pk"))

    def on_sale(self) -> list[tuple[str, Decimal, str, str]]:
        """Type, remaining shares, price and time in force of the open sales at Alpaca, the held ones too."""
        found = [order for order in self.books.orders.values() if order.is_open and order.side == "sell"]
        return sorted(
            (o.type, o.remaining, str(o.stop_price or o.limit_price or ""), o.time_in_force) for o in found
        )

    def unfinished(self) -> list[str]:
        return [f"{order.purpose} {order.state}" for order in self.account.orders.exclude(state__in=FINAL)]

    def incidents(self) -> list[str]:
        """The kinds of the incidents that were reported, in their order."""
        reported = self.account.incidents.exclude(reported_at=None).order_by("pk")
        return list(reported.values_list("kind", flat=True))

    def check_books(self) -> None:
        """Each fill at Alpaca is booked once, and what is booked is the truth."""
        booked = list(self.account.fills.filter(undone_by="").values_list("activity_id", "quantity", "price"))
        at_alpaca = {each.id: (each.qty, each.price) for each in self.books.activities if each.type == "FILL"}
        assert len(booked) == len({activity_id for activity_id, _, _ in booked})
        assert all(at_alpaca[activity_id] == (qty, price) for activity_id, qty, price in booked)

    def check_settled(self) -> None:
        """Nothing is missing: fills, shares and cash agree."""
        self.check_books()
        fills = {each.id for each in self.books.activities if each.type == "FILL" and not each.previous_id}
        assert set(self.account.fills.values_list("activity_id", flat=True)) >= fills
        held: dict[str, Decimal] = {}
        for trade in self.trades():
            if trade.exit_time is None:
                held[trade.symbol] = held.get(trade.symbol, Decimal(0)) + trade.open_quantity
        assert held == {symbol: own.qty for symbol, own in self.books.holdings.items() if own.qty}
        assert abs((self.account.booked_cash or Decimal(0)) - self.books.cash) < CENT


def alpaca_desk(server: AlpacaServer, user: User, settings: Any) -> AlpacaDesk:
    alpaca = stand_in(server, user, settings, CLOSES[0], cash=CASH)
    server.list_assets(W=11, V=11)
    return AlpacaDesk(alpaca, user)
