"""A desk whose users trade at the hostile broker, or at Alpaca's stand-in, through real workers.

Alice trades two symbols with one strategy each, Bob one of them with an account of his own. Each test brings
trouble to Alice's W; her V and Bob's W have to go on.
"""

import contextlib
import html
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.test import Client
from django.urls import reverse
from kombu.exceptions import OperationalError

from livetrading.models import BrokerAccount, LiveStrategy, Order, OrderState
from livetrading.models.trade import Trade, trades_of
from livetrading.tasks import dispatch_due_accounts, requeue_lost_orders
from tests.faults.brokers import ALPACA, HOSTILE, AnyBroker, Books, open_account
from tests.faults.invariants import broken
from tests.faults.market_time import set_market_time
from tests.flows.worker_forks import WorkerForks
from tests.livetrading.factories import at_day
from tests.livetrading.made_bars import CLOSES, DAYS, OPENS, TWO_BARS, store_bars, traded
from tests.livetrading.pipeline.desk import deployed
from tests.livetrading.second_broker.desk import CASH, RULES
from tradedesk.accounts.models import User

# Real seconds until something has to be so: far more than it takes on a slow machine.
PATIENCE = 180.0
# Market time that one beat takes: an account is reconciled each time.
BEAT = timedelta(seconds=5)


@dataclass
class Trader:
    """A user with an account at the broker and one live strategy for each symbol."""

    user: User
    account: BrokerAccount
    books: Books
    live: dict[str, LiveStrategy] = field(default_factory=dict)

    def orders(self, symbol: str, purpose: str) -> list[Order]:
        found = self.account.orders.filter(symbol=symbol, purpose=purpose)
        return list(found.order_by("created_at", "state_changed_at"))

    def states(self, symbol: str, purpose: str) -> list[str]:
        return [str(order.state) for order in self.orders(symbol, purpose)]

    def trades(self, symbol: str) -> list[Trade]:
        return list(trades_of(self.account, self.account.mode).filter(symbol=symbol).order_by("pk"))

    def incidents(self) -> list[str]:
        """The kinds of the incidents that were reported, in their order."""
        reported = self.account.incidents.exclude(reported_at=None).order_by("pk")
        return list(reported.values_list("kind", flat=True))

    def at_broker(self, symbol: str, side: str) -> list[str]:
        """The states of the market orders of this symbol and side in the broker's own book."""
        with self.books.lock:
            placed = [order for order in self.books.placed.values() if order.type == "market"]
            return [order.state for order in placed if (order.symbol, order.side) == (symbol, side)]

    def reads(self, name: str = "dashboard", *, show: str = "", **arguments: Any) -> str:
        """The text of a page of this user, without its tags. show: the list of the page of a strategy."""
        browser = Client()
        browser.force_login(self.user, backend="allauth.account.auth_backends.AuthenticationBackend")
        response = browser.get(reverse(f"livetrading:{name}", kwargs=arguments), {"show": show})
        assert response.status_code == 200
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", response.content.decode())).split())

    def reads_order(self, order: Order) -> str:
        """What the page of its strategy says about this order: its badges and its reason. Read again when a worker
        has made another order between the page's count and its rows, of which the last one was cut off then."""
        side, label = order.get_side_display(), order.get_state_display()
        reason = f" {order.reason}" if order.reason else ""
        expected = rf"{side} {order.get_purpose_display()} .{{0,160}}? {re.escape(label + reason)}"
        for _ in range(3):
            text = self.reads("detail", show="orders", pk=order.live_strategy_id)
            if found := re.search(expected, text):
                break
        assert found, f"{expected} is not on the page: {text}"
        return found.group()


@dataclass
class FaultDesk:
    """brokers: the hostile one and Alpaca. variant: of the accounts, which are all at one broker. rows: the daily
    bars so far of each symbol. closed: whether the market is closed, so that the broker fills nothing. idle:
    whether the broker works on no request."""

    brokers: Mapping[str, AnyBroker]
    forks: WorkerForks
    variant: str = ""
    traders: dict[str, Trader] = field(default_factory=dict)
    rows: dict[str, list[tuple[float, float, float, float]]] = field(default_factory=dict)
    now: datetime = CLOSES[0]
    closed: bool = False
    idle: bool = False

    @property
    def broker(self) -> AnyBroker:
        return self.brokers[ALPACA if self.variant == ALPACA else HOSTILE]

    @property
    def alice(self) -> Trader:
        return self.traders["alice"]

    @property
    def bob(self) -> Trader:
        return self.traders["bob"]

    # --- Users ---

    def add(self, user: User, variant: str, symbols: Iterable[str], **rules: Any) -> Trader:
        """Open an account for this user and deploy one strategy for each of these symbols."""
        self.variant = variant
        account, books = open_account(self.broker, user, variant, symbols, CASH)
        trader = self.traders[user.email.partition("@")[0]] = Trader(user, account, books)
        for symbol in symbols:
            self.rows.setdefault(symbol, [])
            values = TWO_BARS | {"next_check_at": CLOSES[0]} | RULES | rules
            trader.live[symbol] = deployed(
                user, values.pop("kind"), [symbol], equity=float(CASH), account=account, **values
            )
        return trader

    # --- Time and prices ---

    def set_time(self, now: datetime) -> None:
        self.now = now
        set_market_time(now)
        for trader in self.traders.values():
            trader.books.now = now

    def close_bar(self, **rows: float | tuple[float, float, float, float]) -> None:
        """The next daily bar has closed. rows: for each symbol the open, high, low and close, or one price for all
        of them; a symbol that is left out has no new bar."""
        for symbol, row in rows.items():
            self.rows[symbol].append(row if isinstance(row, tuple) else (row, row, row, row))
        store_bars("1Day", **{symbol: traded(*self.rows[symbol]) for symbol in rows})
        day = max(map(len, self.rows.values())) - 1
        self.closed = True
        at_day(DAYS[day])
        self.set_time(CLOSES[day])

    def open_day(self, **prices: float) -> None:
        """The session after the last bar opens at these prices."""
        for trader in self.traders.values():
            with trader.books.lock:
                for symbol in trader.books.paths.keys() & prices.keys():
                    trader.books.jump(symbol, prices[symbol])
        self.closed = False
        # Not earlier than what has happened since: a broker's clock does not go back.
        self.set_time(max(self.now, OPENS[max(map(len, self.rows.values()))]))

    def move(self, **prices: float) -> None:
        for trader in self.traders.values():
            with trader.books.lock:
                for symbol in trader.books.paths.keys() & prices.keys():
                    trader.books.move(symbol, prices[symbol])

    # --- Work ---

    def beat(self, times: int = 1) -> None:
        """The broker works, and beat sends its tasks."""
        for _ in range(times):
            for trader in self.traders.values():
                with trader.books.lock:
                    if not self.idle:
                        trader.books.answer() if self.closed else trader.books.work()
            self.set_time(self.now + BEAT)
            for task in (dispatch_due_accounts, requeue_lost_orders):
                with contextlib.suppress(OperationalError):  # the next beat sends it again
                    task.apply_async(expires=1)
            time.sleep(0.04)

    def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Beat until this is so."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"{what or condition} did not happen: {self.said()}"
            self.beat()

    def settle(self) -> None:
        """Beat until everything agrees; what does not agree in the end fails the test."""
        deadline = time.monotonic() + PATIENCE
        while (problems := self.problems()) and time.monotonic() < deadline:
            self.beat()
        assert not problems, f"{problems}: {self.said()}"

    def problems(self) -> list[str]:
        found = [problem for trader in self.traders.values() for problem in broken(trader.account, trader.books)]
        for trader in self.traders.values():
            with trader.books.lock:
                market = [o for o in trader.books.placed.values() if o.is_open and o.type == "market"]
            if market and not self.closed:
                found.append(f"{len(market)} market orders wait at the broker")
        return found

    def said(self) -> str:
        """What is stored, for a test that fails."""
        orders = Order.objects.values_list("user__email", "symbol", "purpose", "state", "attempts", "reason")
        incidents = [f"{name}: {trader.incidents()}" for name, trader in self.traders.items()]
        accounts = [(t.account.state, t.account.state_reason) for t in self.traders.values()]
        return "\n".join(map(str, [*orders, *incidents, *accounts]))

    # --- Trades ---

    def signal_entry(self) -> None:
        """A BUY of 100 shares of each symbol at the close of 11."""
        for price in (10, 10, 11):
            self.close_bar(**dict.fromkeys(self.rows, price))

    def hold(self) -> None:
        """Everybody holds 100 shares of each symbol, bought at 10, with a stop at 9 and a target at 12."""
        self.signal_entry()
        self.until(lambda: self.sent("entry"), "the entries are sent")
        self.open_day(**dict.fromkeys(self.rows, 10.0))
        self.settle()
        assert {len(t.trades(s)) for t in self.traders.values() for s in t.live} == {1}

    def signal_exit(self) -> None:
        """Two more bars; the close of the second one signals an exit. The price stays at 9.95, and the market is
        closed."""
        self.move(**dict.fromkeys(self.rows, 9.95))
        self.close_bar(**dict.fromkeys(self.rows, (10.0, 10.0, 9.98, 9.98)))
        self.beat(3)
        self.close_bar(**dict.fromkeys(self.rows, 9.95))

    def sell(self) -> None:
        """Everybody's exit is signalled, sent and filled at 9.95."""
        self.signal_exit()
        self.until(lambda: self.sent("exit"), "the exits are sent")
        self.open_day(**dict.fromkeys(self.rows, 9.95))

    def sent(self, purpose: str) -> bool:
        """Whether every strategy has an order of this purpose that has left the desk."""
        at_desk = (OrderState.PENDING, OrderState.SUBMITTING, OrderState.WAITING)
        left = Order.objects.filter(purpose=purpose).exclude(state__in=at_desk)
        return left.values("live_strategy").distinct().count() == sum(len(t.live) for t in self.traders.values())

    def others_went_on(self, entries: int = 1, exits: int = 0) -> None:
        """Alice's V and Bob's W have traded as if nothing had happened."""
        for trader, symbol in ((self.alice, "V"), (self.bob, "W")):
            assert trader.states(symbol, "entry") == ["filled"] * entries
            assert trader.at_broker(symbol, "buy") == ["filled"] * entries
            assert [trade.is_open for trade in trader.trades(symbol)].count(False) == exits
        assert self.bob.incidents() == []

    def books_of(self, order: Order) -> Books:
        return next(t.books for t in self.traders.values() if t.account.pk == order.account_id)

    def cash(self) -> dict[str, Decimal]:
        return {name: trader.books.cash for name, trader in self.traders.items()}
