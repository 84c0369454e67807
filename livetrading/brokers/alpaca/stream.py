"""Alpaca's stream of order updates, as the desk uses it: that something happened, and nothing of what it was.

Paper sends binary frames and live sends text; both are JSON.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from typing import Any

from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect

from livetrading.brokers.protocol import KeysRefused, OutcomeUnknown
from livetrading.credentials import Credentials
from livetrading.models import BrokerAccount

UPDATES = "trade_updates"
# Seconds: until the connection is open, until the log-in is answered, between two pings, until one is answered.
OPEN, LOG_IN, PING, PONG = 10.0, 10.0, 20.0, 20.0
# An update with all legs of its order has some thousand bytes.
MOST_BYTES = 256 * 1024

# The library logs each frame for debugging, also the one with the keys.
_silent = logging.getLogger("livetrading.brokers.alpaca.frames")
_silent.setLevel(logging.CRITICAL)


class _Connect(connect):
    """The keys go to the host of the settings alone."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


async def updates(account: BrokerAccount, credentials: Credentials) -> AsyncGenerator[None]:
    """Yields once the stream is open, because what happened before was not told, and then for each update
    (settings.BROKER_STREAMS). Ends when Alpaca closes it. Raises KeysRefused, and anything else that a connection
    can raise."""
    async with _Connect(
        address_of(account),
        compression=None,
        open_timeout=OPEN,
        ping_interval=PING,
        ping_timeout=PONG,
        close_timeout=1.0,
        max_size=MOST_BYTES,
        logger=_silent,
    ) as connection:
        async with asyncio.timeout(LOG_IN):
            await _log_in(connection, credentials)
        yield
        async for raw in connection:
            if is_update(raw):
                yield


def address_of(account: BrokerAccount) -> str:
    """wss, and ws where the setting has http, which it may have on this machine alone."""
    url = settings.ALPACA_PAPER_API_BASE_URL if account.is_paper else settings.ALPACA_API_BASE_URL
    if not url:
        raise ValueError("There is no host to listen to.")
    return f"ws{url.removeprefix('http')}/stream"


async def _log_in(connection: ClientConnection, credentials: Credentials) -> None:
    keys = {"key_id": credentials.key_id, "secret_key": credentials.secret}
    await connection.send(json.dumps({"action": "authenticate", "data": keys}))
    status = (await _answer(connection, "authorization")).get("status")
    if status == "unauthorized":
        raise KeysRefused("Alpaca does not accept the keys of this account.")
    if status != "authorized":
        raise OutcomeUnknown("Alpaca did not accept the log-in to the stream.")
    await connection.send(json.dumps({"action": "listen", "data": {"streams": [UPDATES]}}))
    if UPDATES not in ((await _answer(connection, "listening")).get("streams") or ()):
        raise OutcomeUnknown("Alpaca does not stream the updates of this account.")


async def _answer(connection: ClientConnection, stream: str) -> dict[str, Any]:
    """What the next message of this stream says; others are not of interest yet."""
    while True:
        name, data = read(await connection.recv())
        if name == stream:
            return data


def is_update(raw: str | bytes) -> bool:
    """Pure. What is not readable is none."""
    return read(raw)[0] == UPDATES


def read(raw: str | bytes) -> tuple[str, dict[str, Any]]:
    """The stream that a message belongs to, and what it says; "" and nothing when it is not readable. Pure."""
    try:
        message = json.loads(raw)
    except (ValueError, RecursionError):
        return "", {}
    stream, data = (message.get("stream"), message.get("data")) if isinstance(message, dict) else (None, None)
    return (stream if isinstance(stream, str) else ""), (data if isinstance(data, dict) else {})
