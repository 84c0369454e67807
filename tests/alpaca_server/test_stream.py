"""The stream of trade updates through alpaca-py's own client."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alpaca.trading.stream import TradingStream

from tests.alpaca_server.account import Account
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.test_orders import body

PATIENCE = 30.0


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def told(server: AlpacaServer, account: Account) -> Iterator[list[dict[str, Any]]]:
    """What a client of this account is told."""
    heard: list[dict[str, Any]] = []
    stream = TradingStream(
        account.key, account.secret, raw_data=True, url_override=f"{server.url.replace('http', 'ws')}/stream"
    )
    stream._reconnect_min_backoff = stream._reconnect_max_backoff = 0.01

    async def hear(message: dict[str, Any]) -> None:
        heard.append(message["data"])

    stream.subscribe_trade_updates(hear)
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.listening)
        yield heard
    finally:
        stream.stop()
        server.drop_streams()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def test_the_stream_tells_what_becomes_of_an_order(
    server: AlpacaServer, client: Any, account: Account, told: list[dict[str, Any]]
) -> None:
    account.largest_fill = account.cash / 1_250
    client.post("/orders", body(client_order_id="desk-1"))
    account.work()
    account.work()
    until(lambda: len(told) == 4)
    assert [each["event"] for each in told] == ["pending_new", "new", "partial_fill", "fill"]
    assert (told[2]["qty"], told[2]["price"], told[3]["position_qty"]) == ("8", "10", "10")
    assert told[3]["order"]["client_order_id"] == "desk-1"
    executions = {each.execution for each in account.activities}
    assert {each["execution_id"] for each in told[2:]} == executions


def test_what_happens_without_a_connection_is_never_told(
    server: AlpacaServer, client: Any, account: Account, told: list[dict[str, Any]]
) -> None:
    with server.market.lock:
        server.drop_streams()
        account.submit(body(client_order_id="desk-1"))
    until(lambda: server.listening)
    account.work()
    until(lambda: told)
    assert told[0]["event"] == "new"


def test_a_stream_can_be_silent(
    server: AlpacaServer, client: Any, account: Account, told: list[dict[str, Any]]
) -> None:
    server.stream_silent = True
    client.post("/orders", body())
    account.work()
    until(lambda: server.listening == [len(account.events)])
    assert told == []
