"""The stream of trade updates, on the port of the stand-in: `ws://.../stream`, with the binary frames of paper, or
the text of live.

A session gets the events since it began to listen; those of before, and of a time without a connection, are
missing.
"""

import json
import select
import socket
from typing import TYPE_CHECKING, Any

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

if TYPE_CHECKING:
    from tests.alpaca_server.account import Account
    from tests.alpaca_server.server import AlpacaServer

SECONDS = 0.02


class Session:
    """One connection. cursor: how many events of the account it has had, noise: and how much of what is none."""

    def __init__(self, alpaca: "AlpacaServer", connection: socket.socket) -> None:
        self._alpaca, self._connection, self._protocol = alpaca, connection, ServerProtocol()
        self.epoch = alpaca.stream_epoch
        self._account: Account | None = None
        self.cursor: int | None = None
        self.noise = 0

    def serve(self, raw: bytes) -> None:
        """raw: the request that opens it. Returns when the client or the test has closed it."""
        self._protocol.receive_data(raw)
        (request,) = self._protocol.events_received()
        assert isinstance(request, Request)
        self._protocol.send_response(self._protocol.accept(request))
        self._flush()
        while self.epoch == self._alpaca.stream_epoch:
            readable, _, _ = select.select([self._connection], [], [], SECONDS)
            if readable:
                data = self._connection.recv(65536)
                if not data:
                    return
                self._protocol.receive_data(data)
                for event in self._protocol.events_received():
                    if isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY):
                        self._take(json.loads(bytes(event.data)))
            self._push()
            self._flush()
            if self._protocol.close_expected():
                return

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("action") in ("authenticate", "auth"):
            if self._alpaca.stream_hangs:
                return
            data = message.get("data", message)
            key, secret = data.get("key_id", data.get("key")), data.get("secret_key", data.get("secret"))
            account = self._alpaca.accounts.get(key)
            if account is not None and account.secret == secret:
                self._account = account
            status = "unauthorized" if self._account is None else "authorized"
            self._send({"stream": "authorization", "data": {"action": "authenticate", "status": status}})
        elif message.get("action") == "listen" and self._account is not None:
            streams = [each for each in message["data"]["streams"] if each == "trade_updates"]
            self.cursor = len(self._account.events) if streams else None
            self._send({"stream": "listening", "data": {"streams": streams}})

    def _push(self) -> None:
        if self._account is None or self.cursor is None:
            return
        with self._alpaca.market.lock:
            if self.epoch != self._alpaca.stream_epoch:
                return
            for raw in self._alpaca.stream_noise[self.noise :]:
                self._frame(raw)
                self.noise += 1
            events = self._account.events[self.cursor :]
            self.cursor += len(events)
        if not self._alpaca.stream_silent:
            for event in events:
                self._send({"stream": "trade_updates", "data": event})

    def _send(self, message: dict[str, Any]) -> None:
        self._frame(json.dumps(message).encode())

    def _frame(self, raw: bytes) -> None:
        send = self._protocol.send_text if self._alpaca.stream_of_text else self._protocol.send_binary
        send(raw)

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self._connection.sendall(data)
