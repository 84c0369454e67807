"""A hostile broker over HTTP: honest books behind answers that get lost, hang, cannot be read or come too late.

It runs in threads of the test's process; the workers of a test reach it over HTTP. The test lets its market work
and scripts its faults.
"""

import json
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from livetrading.brokers.protocol import AttachedExit, Capabilities, OrderRefused, OrderRequest
from tests.hostile_broker.books import HostileBooks
from tests.hostile_broker.script import AFTER, BEFORE, Fault, Request, Script
from tests.livetrading.second_broker.market import Path, PlacedOrder, dollars

# Its words for the states of an order.
WORDS = {"received": "pending_new", "held": "held", "working": "new", "cancelled": "canceled"}
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class HostileBroker:
    """accounts: the books by the key of the account. kill: what "kill" faults call. requests: each one with its
    time (monotonic seconds) and the fault that it met. released: set to end the requests that hang. most_hanging:
    how many have hung at the same time."""

    def __init__(self) -> None:
        self.accounts: dict[str, HostileBooks] = {}
        self.script = Script()
        self.kill: Callable[[], None] = lambda: None
        self.requests: list[tuple[float, Request, str]] = []
        self.released = threading.Event()
        self.most_hanging = self._hanging = 0
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"broker": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def open_account(self, key: str, capabilities: Capabilities, cash: Decimal, **prices: float) -> HostileBooks:
        paths = {symbol: Path(dollars(price)) for symbol, price in prices.items()}
        self.accounts[key] = HostileBooks(capabilities, cash=cash, paths=paths)
        return self.accounts[key]

    def reset(self) -> None:
        """Forget the accounts and the faults of a test."""
        self.release()
        self.script = Script()
        self.accounts, self.requests, self.kill = {}, [], lambda: None
        self.most_hanging = 0
        self.released = threading.Event()

    def hang(self, connection: socket.socket) -> None:
        """Do not answer until this is released, or the desk has closed the connection."""
        with self._lock:
            self._hanging += 1
            self.most_hanging = max(self.most_hanging, self._hanging)
        while not self.released.is_set():
            readable, _, _ = select.select([connection], [], [], 0.05)
            if readable:
                break
        with self._lock:
            self._hanging -= 1

    def release(self) -> None:
        """End the requests that hang: their connections are closed."""
        self.released.set()

    def close(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()


class _Dropped(Exception):
    """The connection is closed without an answer."""


class _Handler(BaseHTTPRequestHandler):
    broker: HostileBroker
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names of the base class

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
        pass

    def _handle(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        url = urlsplit(self.path)
        route = _route(self.command, url.path)
        key = str(self.headers.get("Authorization", "")).removeprefix("Bearer ")
        books = self.broker.accounts.get(key)
        if books is None:
            return self._send(401, {"message": "The key is not known."})
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        client_order_id = unquote(query.get("client_order_id", ""))
        placed = books.orders.get(client_order_id)
        about = placed.request if placed else None
        symbol = body.get("symbol") or (about.symbol if about else "")
        side = body.get("side") or (about.side if about else "")
        request = Request(route, key, symbol, side)
        fault = self.broker.script.take(request)
        self.broker.requests.append((time.monotonic(), request, fault.how if fault else ""))
        try:
            if fault is not None and fault.how in BEFORE:
                self._misbehave(fault, route, 0, {})
            else:
                with books.lock:
                    status, answer = _answer(books, route, query, body)
                if fault is not None and fault.how in AFTER:
                    self._misbehave(fault, route, status, answer)
                else:
                    self._send(status, answer)
        except (_Dropped, OSError):
            self.close_connection = True
        return None

    def _misbehave(self, fault: Fault, route: str, status: int, answer: Any) -> None:
        how = fault.how.removesuffix("_before").removesuffix("_after")
        if how == "lost":
            raise _Dropped
        if how == "kill":
            self.broker.kill()
            raise _Dropped
        if how == "hang":
            self.broker.hang(self.connection)
            raise _Dropped
        if how == "busy":
            self._send(429, {"message": "Too many requests."}, {"Retry-After": f"{fault.seconds:g}"})
        elif how == "error":
            self._write(502, HTML, "text/html")
        elif how == "blind":
            self._send(*((200, []) if route == "open_orders" else (404, {"message": "order not found"})))
        elif how == "html":
            self._write(200, HTML, "text/html")
        elif how == "text":
            self._write(200, b"OK", "text/plain")
        elif how == "cut":
            text = json.dumps(answer).encode()
            self._write(status, text[: max(len(text) // 2, 1)], "application/json")
        elif how == "word":
            self._send(status, _with_other_word(answer))

    def _send(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        body = b"" if status == 204 else json.dumps(answer).encode()
        self._write(status, body, "application/json", headers)

    def _write(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _route(method: str, path: str) -> str:
    """The name of what is asked for, as the script has it."""
    return {
        ("POST", "/v2/orders"): "submit",
        ("PATCH", "/v2/orders"): "replace",
        ("DELETE", "/v2/orders"): "cancel",
        ("GET", "/v2/order"): "order",
        ("GET", "/v2/orders"): "open_orders",
        ("GET", "/v2/account"): "account",
        ("GET", "/v2/positions"): "positions",
        ("GET", "/v2/fills"): "fills",
        ("GET", "/v2/activities"): "activities",
    }.get((method, path), "")


def _answer(books: HostileBooks, route: str, query: dict[str, str], body: dict[str, Any]) -> tuple[int, Any]:
    """The honest answer: its status and its body."""
    known = query.get("client_order_id", "")
    if route in ("submit", "replace"):
        return _place(books, route, known, body)
    if route == "order":
        placed = books.orders.get(known)
        return (404, {"message": "order not found"}) if placed is None else (200, _order(placed))
    if route == "cancel":
        if known not in books.orders:
            return 404, {"message": "order not found"}
        books.cancel(known)
        return 204, {}
    if route == "open_orders":
        return 200, [_order(placed) for placed in books.orders.values() if placed.is_open]
    if route == "account":
        return 200, _values(asdict(books.account()))
    if route == "positions":
        return 200, [_values(asdict(position)) for position in books.positions()]
    if route == "fills":
        return 200, [_values(asdict(fill)) for fill in books.fills_since(query.get("after", ""))]
    if route == "activities":
        return 200, [_values(asdict(each)) for each in books.activities_since(query.get("after", ""))]
    return 404, {"message": "There is nothing here."}


def _place(books: HostileBooks, route: str, known: str, body: dict[str, Any]) -> tuple[int, Any]:
    request = _request(body)
    if books.capabilities.unique_client_ids and request.client_order_id in books.orders:
        return 422, {"code": 40010001, "message": "client_order_id must be unique"}
    try:
        before = set(books.orders)
        if route == "submit":
            books.submit(request)
        else:
            books.replace(known, request)
        new = next(name for name in books.orders if name not in before)
    except OrderRefused as refusal:
        return 403, {"code": 40310000, "message": str(refusal)}
    return 200, _order(books.orders[new]) | {"client_order_id": request.client_order_id}


def _request(body: dict[str, Any]) -> OrderRequest:
    def number(name: str, of: dict[str, Any]) -> Decimal | None:
        return None if of.get(name) is None else Decimal(of[name])

    legs = tuple(
        AttachedExit(client_order_id=leg["client_order_id"], type=leg["type"], price=number("price", leg))
        for leg in body.get("legs", ())
    )
    return OrderRequest(
        client_order_id=body["client_order_id"],
        symbol=body["symbol"],
        side=body["side"],
        quantity=Decimal(body["qty"]),
        type=body["type"],
        time_in_force=body["time_in_force"],
        limit_price=number("limit_price", body),
        stop_price=number("stop_price", body),
        fractional=body["fractional"],
        closes=body["closes"],
        exits=legs,
    )


def _order(placed: PlacedOrder) -> dict[str, Any]:
    report = placed.report()
    word = WORDS.get(placed.state, placed.state)
    if placed.cancel_requested and placed.is_open:
        word = "pending_cancel"
    elif placed.state == "working" and placed.filled:
        word = "partially_filled"
    return {
        "id": report.broker_order_id,
        "client_order_id": report.client_order_id,
        "symbol": placed.request.symbol,
        "side": placed.request.side,
        "qty": str(report.quantity),
        "filled_qty": str(report.filled_quantity),
        "status": word,
        "limit_price": None if report.limit_price is None else str(report.limit_price),
        "stop_price": None if report.stop_price is None else str(report.stop_price),
        "reason": report.reason,
        # Fields that an adapter does not need.
        "asset_class": "us_equity",
        "pattern_day_trader": None,
    }


def _values(fields: dict[str, Any]) -> dict[str, Any]:
    return {
        name: str(value)
        if isinstance(value, Decimal)
        else value.isoformat()
        if isinstance(value, datetime)
        else value
        for name, value in fields.items()
    }


def _with_other_word(answer: Any) -> Any:
    """The same answer, whose state is a word that nobody has documented."""
    orders = answer if isinstance(answer, list) else [answer]
    changed = [order | {"status": "pondering"} for order in orders]
    return changed if isinstance(answer, list) else changed[0]
