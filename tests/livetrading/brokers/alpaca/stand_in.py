"""An account of the desk at Alpaca's stand-in, for tests."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from livetrading.brokers.alpaca.broker import AlpacaBroker, connect
from livetrading.brokers.protocol import AttachedExit, OrderRequest
from livetrading.credentials import Credentials, store_credentials
from livetrading.models import BrokerAccount
from tests.alpaca_server.account import Account
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.simulation.simulated_account import order_request
from tradedesk.accounts.models import Mode, User
from tradedesk.core.money import to_decimal
from tradedesk.marketdata.sessions import next_open

PRICE = 20.0
RISE = Decimal("0.10")


@dataclass
class StandIn:
    """books: the account at the stand-in; account: the desk's."""

    server: AlpacaServer
    books: Account
    account: BrokerAccount

    def broker(self) -> AlpacaBroker:
        """A new connection, as each piece of work has one."""
        return connect(BrokerAccount.objects.get(pk=self.account.pk), self.server.market.now)

    def at(self, now: datetime) -> AlpacaBroker:
        """Let the time pass until `now`; the account works at each open on the way, after which AAPL rises by 10
        cents."""
        market = self.server.market
        self.books.answer()
        while (opens := next_open(market.now)) < now:
            market.now = opens
            self.books.work()
            market.move("AAPL", market.prices["AAPL"] + RISE)
            self.books.work()
        market.now = max(now, market.now)
        self.books.work()
        return self.broker()

    def wait(self, seconds: float = 5) -> AlpacaBroker:
        return self.at(self.server.market.now + timedelta(seconds=seconds))

    def asked(self) -> list[str]:
        """The method and path of each request so far."""
        return [f"{request.method} {request.path}" for _, request, _ in self.server.requests]


def stand_in(
    server: AlpacaServer, user: User, settings: Any, now: datetime, *, cash: object = "100000"
) -> StandIn:
    """A paper account of this user, with keys."""
    settings.ALPACA_PAPER_API_BASE_URL = server.url
    server.market.now = now
    server.list_assets(AAPL=PRICE, MSFT=PRICE)
    books = server.open_account(cash=cash)
    account = BrokerAccount.objects.create(
        user=user, broker=BrokerAccount.Broker.ALPACA, mode=Mode.PAPER, name="Alpaca"
    )
    store_credentials(account, Credentials(key_id=books.key, secret=books.secret))
    return StandIn(server, books, account)


def request(
    id_: str, quantity: object = 10, *, stop: float | None = None, target: float | None = None, **fields: Any
) -> OrderRequest:
    """A market order. stop, target: the prices of its attached exits in dollars."""
    exits = tuple(
        AttachedExit(client_order_id=f"{id_}-{suffix}", type=type_, price=to_decimal(price))
        for suffix, type_, price in (("stop", "stop", stop), ("target", "limit", target))
        if price is not None
    )
    return order_request(id_, quantity, **{"exits": exits, "matching": None} | fields)


@pytest.fixture(scope="session")
def one_server() -> Iterator[AlpacaServer]:
    server = AlpacaServer()
    yield server
    server.close()


@pytest.fixture
def server(one_server: AlpacaServer) -> AlpacaServer:
    """The stand-in, without anything of another test."""
    one_server.reset()
    return one_server
