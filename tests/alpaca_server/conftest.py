"""One stand-in for all tests, empty for each; each exchange has to be as Alpaca's specification says."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.alpaca_server.account import Account
from tests.alpaca_server.client import client_of
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.specification import violations


@pytest.fixture(scope="session")
def running() -> Iterator[AlpacaServer]:
    server = AlpacaServer()
    yield server
    server.close()


@pytest.fixture
def server(running: AlpacaServer) -> Iterator[AlpacaServer]:
    """With the symbols W at 10 and V at 20, during a session."""
    running.reset()
    running.list_assets(W=10.0, V=20.0)
    yield running
    assert [problem for exchange in running.exchanges for problem in violations(exchange)] == []


@pytest.fixture
def account(server: AlpacaServer) -> Account:
    return server.open_account(cash=10_000)


@pytest.fixture
def client(server: AlpacaServer, account: Account) -> Any:
    return client_of(server, account)
