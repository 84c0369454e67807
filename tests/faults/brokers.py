"""The brokers of the fault tests: the hostile one, which can be any of its variants, and Alpaca's stand-in, which
the workers reach through the real adapter. The tests do and ask the same at both."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from livetrading.brokers.alpaca.broker import CAPABILITIES
from livetrading.brokers.alpaca.words import ENDS
from livetrading.brokers.protocol import STOP_SUFFIX, TARGET_SUFFIX, BrokerFill
from livetrading.credentials import Credentials, store_credentials
from livetrading.models import BrokerAccount
from tests.alpaca_server.account import Account
from tests.alpaca_server.market import Path, at
from tests.alpaca_server.orders import Order
from tests.alpaca_server.server import AlpacaServer
from tests.hostile_broker.books import HostileBooks, Placed
from tests.hostile_broker.server import HostileBroker
from tests.hostile_broker.variants import VARIANTS
from tests.livetrading.factories import WALL
from tradedesk.accounts.models import User

# The variant that is Alpaca; the others are those of the hostile broker.
ALPACA, HOSTILE = "alpaca", "hostile"
# Requests in a minute: market time runs much faster than the wall clock of the limit.
UNLIMITED = 1_000_000
# Words of Alpaca for how an order can end, and the other way round.
ENDINGS = {"cancelled": "canceled"}
STATES = {"canceled": "cancelled", "replaced": "cancelled"}


@dataclass
class AlpacaBooks(Account):
    """An account at the stand-in, with the names of HostileBooks."""

    capabilities = CAPABILITIES

    @property
    def now(self) -> datetime:
        return self.market.now

    @now.setter
    def now(self, now: datetime) -> None:
        self.market.now = now

    @property
    def placed(self) -> dict[str, Placed]:
        return {self._desk_id(order): _placed(order) for order in self.orders.values()}

    @property
    def executions(self) -> list[BrokerFill]:
        return [
            BrokerFill(
                activity_id=each.id,
                client_order_id=self._desk_id(self.by_id[each.order_id]),
                quantity=each.qty,
                price=each.price,
                time=at(each.created),
            )
            for each in self.activities
            if each.type == "FILL" and not each.previous_id
        ]

    @property
    def counting(self) -> list[tuple[str, Decimal, Decimal]]:
        undone = {each.previous_id for each in self.activities}
        return [
            (self._desk_id(self.by_id[each.order_id]), each.qty, each.price)
            for each in self.activities
            if each.type == "FILL" and each.execution not in undone and each.answer["type"] != "trade_bust"
        ]

    @property
    def held_shares(self) -> dict[str, Decimal]:
        return {symbol: own.qty for symbol, own in self.holdings.items() if own.qty}

    def jump(self, symbol: str, price: float) -> None:
        self.market.prices[symbol] = Decimal(str(price))
        self.paths[symbol] = Path(Decimal(str(price)))

    def move(self, symbol: str, *prices: float) -> None:
        for price in prices:
            self.market.prices[symbol] = Decimal(str(price))
            self.paths[symbol].move(Decimal(str(price)))

    def finish(self, client_order_id: str, state: str) -> str:
        word = ENDINGS.get(state, state)
        self.end(self.orders[client_order_id], word)
        return ENDS.get(word, "")

    def _desk_id(self, order: Order) -> str:
        """The id by which the desk knows it: that of a leg follows from its entry, unless the leg replaced one."""
        if order.parent is None or order.replaces is not None:
            return order.client_order_id
        suffix = TARGET_SUFFIX if order.role == "take_profit" else STOP_SUFFIX
        return f"{self.by_id[order.parent].client_order_id}{suffix}"


def _placed(order: Order) -> Placed:
    state = STATES.get(order.status, order.status)
    if order.is_open:
        state = "working" if order.works else "held" if order.is_leg else "received"
    trigger = order.stop_price or order.limit_price
    return Placed(order.symbol, order.side, order.type, state, order.remaining, trigger, order.is_open)


# What the tests use of an account's books, and of a broker.
Books = HostileBooks | AlpacaBooks
AnyBroker = HostileBroker | AlpacaServer


def open_account(
    broker: AnyBroker, user: User, variant: str, symbols: Iterable[str], cash: Decimal
) -> tuple[BrokerAccount, Books]:
    """An account of this user, named after the user, and its books at the broker. Each symbol costs 11."""
    name = user.email.partition("@")[0]
    values = {"user": user, "mode": "paper", "name": "Broker", "verified_at": WALL}
    if isinstance(broker, AlpacaServer):
        broker.limits.most = UNLIMITED
        for symbol in set(symbols) - broker.market.assets.keys():
            broker.market.list_asset(symbol, 11)
        alpacas = AlpacaBooks(broker.market, name, f"{name}-secret", cash=cash)
        broker.accounts[name] = alpacas
        account = BrokerAccount.objects.create(broker=BrokerAccount.Broker.ALPACA, **values)
        store_credentials(account, Credentials(key_id=alpacas.key, secret=alpacas.secret))
        return account, alpacas
    books = broker.open_account(name, VARIANTS[variant], cash, **dict.fromkeys(symbols, 11.0))
    credentials = json.dumps({"url": broker.url, "key": name, "variant": variant})
    return BrokerAccount.objects.create(broker="hostile", credentials=credentials, **values), books
