"""Alpaca's stream of order updates: what the desk takes for an update, and how a connection ends."""

import asyncio
import logging
from collections.abc import AsyncGenerator

import pytest
from pytest_django import Settings
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.http11 import Response

from livetrading.brokers.alpaca import stream
from livetrading.brokers.alpaca.stream import address_of, is_update, read, updates
from livetrading.brokers.protocol import KeysRefused
from livetrading.credentials import Credentials
from livetrading.models import BrokerAccount
from tests.alpaca_server.account import Account
from tests.alpaca_server.server import AlpacaServer
from tests.alpaca_server.test_orders import body
from tests.alpaca_server.test_stream import PATIENCE
from tradedesk.accounts.models import Mode

PAPER = BrokerAccount(pk=1, broker=BrokerAccount.Broker.ALPACA, mode=Mode.PAPER)
LIVE = BrokerAccount(pk=2, broker=BrokerAccount.Broker.ALPACA, mode=Mode.LIVE)
UPDATE = b'{"stream": "trade_updates", "data": {}}'
GARBAGE = [
    b"",
    b"\xff\xfe\x00",
    b"not JSON",
    b"[" * 20_000,
    b"null",
    b"[1]",
    b'"trade_updates"',
    b'{"stream": ["trade_updates"]}',
    b'{"data": {"event": "fill"}}',
    b'{"stream": "account_updates", "data": {}}',
]


@pytest.fixture
def books(server: AlpacaServer, settings: Settings) -> Account:
    settings.ALPACA_PAPER_API_BASE_URL = settings.ALPACA_API_BASE_URL = server.url
    server.list_assets(W=10.0)
    return server.open_account(cash=10_000)


def listen(books: Account, secret: str = "", account: BrokerAccount = PAPER) -> AsyncGenerator[None]:
    return updates(account, Credentials(key_id=books.key, secret=secret or books.secret))


async def heard(stream_of: AsyncGenerator[None], number: int) -> int:
    """How many it yields, at most this number; fewer when it ends."""
    count = 0
    try:
        async with asyncio.timeout(PATIENCE) as patience:
            async for _ in stream_of:
                count += 1
                if count == number:
                    await stream_of.aclose()
    except TimeoutError:
        assert not patience.expired()
        raise
    return count


@pytest.mark.parametrize("raw", GARBAGE)
def test_what_is_not_readable_is_no_update(raw: bytes) -> None:
    assert not is_update(raw)


def test_text_and_binary_frames_are_read_alike() -> None:
    assert is_update(UPDATE)
    assert is_update(UPDATE.decode())
    assert read('{"stream": "listening", "data": {"streams": []}}') == ("listening", {"streams": []})


def test_the_host_of_the_mode_is_listened_to(settings: Settings) -> None:
    settings.ALPACA_PAPER_API_BASE_URL, settings.ALPACA_API_BASE_URL = "http://127.0.0.1:8", "https://live.test"
    assert (address_of(PAPER), address_of(LIVE)) == ("ws://127.0.0.1:8/stream", "wss://live.test/stream")
    settings.ALPACA_API_BASE_URL = ""
    with pytest.raises(ValueError, match="no host"):
        address_of(LIVE)


@pytest.mark.parametrize("of_text", [False, True])
def test_it_yields_once_it_is_open_and_for_each_update(
    books: Account, server: AlpacaServer, *, of_text: bool
) -> None:
    server.stream_of_text = of_text
    server.stream_noise = [raw for raw in GARBAGE if not of_text or raw.isascii()]

    async def run() -> int:
        stream_of = listen(books)
        await anext(stream_of)
        books.submit(body(client_order_id="desk-1"))
        return await heard(stream_of, 1)

    assert asyncio.run(run()) == 1


def test_wrong_keys_are_refused_and_nowhere_in_the_log(
    books: Account, server: AlpacaServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(KeysRefused):
        asyncio.run(heard(listen(books, secret="planted-secret"), 1))
    logged = [each.getMessage() for each in caplog.records if each.name != "websockets.server"]  # the stand-in's
    assert logged
    assert not [line for line in logged if "planted-secret" in line or books.key in line]


def test_a_dropped_connection_ends_it(books: Account, server: AlpacaServer) -> None:
    async def run() -> None:
        stream_of = listen(books)
        await anext(stream_of)
        server.drop_streams()
        await heard(stream_of, 1)

    with pytest.raises(ConnectionClosedError):
        asyncio.run(run())


def test_a_message_that_is_too_large_ends_it(books: Account, server: AlpacaServer) -> None:
    server.stream_noise = [b" " * (stream.MOST_BYTES + 1)]
    with pytest.raises(ConnectionClosedError):
        asyncio.run(heard(listen(books), 2))


def test_a_log_in_that_is_not_answered_ends_it(
    books: Account, server: AlpacaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "LOG_IN", 0.05)
    server.stream_hangs = True
    with pytest.raises(TimeoutError):
        asyncio.run(heard(listen(books), 1))


def test_a_redirect_is_not_followed() -> None:
    """The keys would go to another host."""
    redirect = InvalidStatus(Response(302, "Found", Headers(Location="ws://127.0.0.1:9/stream")))
    assert stream._Connect("ws://127.0.0.1:8/stream").process_redirect(redirect) is redirect
