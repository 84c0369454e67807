"""One connection to the stand-in: who asks, which fault the request meets, and how the answer is written."""

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.alpaca_server.script import AFTER, BEFORE, Fault, Request, changed
from tests.alpaca_server.stream import Session

if TYPE_CHECKING:
    from tests.alpaca_server.account import Account
    from tests.alpaca_server.server import AlpacaServer

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
UNAUTHORIZED = {"code": 40110000, "message": "request is not authorized"}
FORBIDDEN = {"message": "forbidden."}
BUSY = {"code": 42910000, "message": "rate limit exceeded"}


class Dropped(Exception):
    """The connection is closed without an answer."""


class Handler(BaseHTTPRequestHandler):
    server_of_alpaca: "AlpacaServer"
    protocol_version = "HTTP/1.1"
    # Head and body leave in one packet; else each answer takes 40 ms.
    wbufsize = -1

    def do_GET(self) -> None:
        try:
            self._handle()
        except (Dropped, OSError):
            self.close_connection = True

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names of the base class

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        pass

    def _handle(self) -> None:
        alpaca = self.server_of_alpaca
        if self.path == "/stream" and "Upgrade" in self.headers:
            session = Session(alpaca, self.connection)
            alpaca.sessions.append(session)
            try:
                lines = [self.requestline, *(f"{name}: {value}" for name, value in self.headers.items()), "", ""]
                session.serve("\r\n".join(lines).encode())
            finally:
                alpaca.sessions.remove(session)
            raise Dropped
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length) if length else b"{}"
        key, secret = (self.headers.get(f"APCA-API-{name}", "") for name in ("KEY-ID", "SECRET-KEY"))
        account = alpaca.accounts.get(key)
        if account is None:
            return self._send(401, UNAUTHORIZED)
        if secret != account.secret:
            return self._send(403, FORBIDDEN)
        try:
            body = json.loads(raw)
        except ValueError:
            return self._send(400, {"code": 40010000, "message": "request body format is invalid"})
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        request = _about(account, Request(self.command, url.path, key, query, body))
        found = alpaca.route(request.method, request.path)
        allowed, headers = alpaca.limits.take(key, found[0].bucket if found else "trading")
        fault = alpaca.script.take(request)
        alpaca.log(request, fault.how if fault else "")
        if not allowed:
            return self._send(429, BUSY, headers)
        if fault is not None and fault.how in BEFORE:
            return self._misbehave(fault, request, 0, None, headers)
        status, answer = alpaca.answer(account, request)
        if fault is not None and fault.how in AFTER:
            return self._misbehave(fault, request, status, answer, headers)
        return self._send(status, answer, headers)

    def _misbehave(
        self, fault: Fault, request: Request, status: int, answer: Any, headers: dict[str, str]
    ) -> None:
        alpaca, how = self.server_of_alpaca, fault.how.removesuffix("_before").removesuffix("_after")
        if how == "late":
            alpaca.late.append(request)
        if how == "kill":
            alpaca.kill()
        if how == "hang":
            alpaca.hang(self.connection)
        if how in ("late", "kill", "hang", "lost"):
            raise Dropped
        if how == "slow":
            time.sleep(fault.seconds)
            self._send(status, answer, headers)
        elif how == "busy":
            reset = str(int(alpaca.limits.clock() + fault.seconds))
            self._send(429, BUSY, headers | {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset})
        elif how == "busy_bare":
            self._send(429, BUSY)
        elif how == "error":
            self._error(fault, headers)
        elif how == "blind":
            listing = request.path == "/v2/orders"
            missing = {"code": 40410000, "message": "order not found"}
            self._send(*((200, []) if listing else (404, missing)), headers)
        elif how == "html":
            self._write(200, HTML, "text/html", headers)
        elif how == "text":
            self._write(200, b"OK", "text/plain", headers)
        elif how == "redirect":
            self._write(302, b"", "text/html", headers | {"Location": "/maintenance"})
        elif how in ("cut", "half"):
            self._truncate(_text(answer), status, how)
        else:
            self._send(status, changed(answer, how), headers)

    def _error(self, fault: Fault, headers: dict[str, str]) -> None:
        if fault.message:
            self._send(fault.status, {"code": fault.status * 100_000 + 10_000, "message": fault.message}, headers)
        else:
            self._write(fault.status, HTML, "text/html", headers)

    def _truncate(self, text: bytes, status: int, how: str) -> None:
        """Half of the answer: as if it were all of it, or with the connection closed before the rest."""
        part = text[: max(len(text) // 2, 1)]
        if how == "cut":
            return self._write(status, part, "application/json")
        self._head(status, len(text), "application/json", {})
        self.wfile.write(part)
        self.wfile.flush()
        raise Dropped

    def _send(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        self._write(status, b"" if answer is None else _text(answer), "application/json; charset=UTF-8", headers)

    def _write(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self._head(status, len(body), kind, headers or {})
        self.wfile.write(body)

    def _head(self, status: int, length: int, kind: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _text(answer: Any) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()


def _about(account: "Account", request: Request) -> Request:
    """The request with the symbol and the side of the order that it is about."""
    known = request.query.get("client_order_id", "")
    last = unquote(request.path.rpartition("/")[2])
    order = account.orders.get(known) or (account.order(last) if "/orders/" in request.path else None)
    request.symbol = str(request.body.get("symbol") or (order.symbol if order else ""))
    request.side = str(request.body.get("side") or (order.side if order else ""))
    return request
