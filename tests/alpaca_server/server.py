"""A hostile stand-in of Alpaca's API over HTTP: honest books behind answers that can get lost, hang, be unreadable
or come too late.

It runs in threads of the test's process; the real alpaca-py reaches it with `url_override=server.url`. The test
moves the market, lets the accounts work, and scripts the faults.
"""

import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from http.server import ThreadingHTTPServer

from tests.alpaca_server.account import Account
from tests.alpaca_server.handler import Handler
from tests.alpaca_server.limits import Limits
from tests.alpaca_server.market import Market
from tests.alpaca_server.routes import TRADING, Answer, Route
from tests.alpaca_server.script import Request, Script
from tests.alpaca_server.stream import Session
from tests.alpaca_server.wire import Exchange, Refusal

# Exchanges with their answers.
KEPT = 1_000


class AlpacaServer:
    """accounts: by key. routes: what can be asked; more can be appended. kill: what "kill" faults call. requests:
    each one with its time (monotonic seconds) and the fault that it met. exchanges: the last ones, with their
    honest answers. late: the requests that have not arrived. released: set to end the requests that hang.
    most_hanging: how many have hung at the same time. stream_silent: whether the stream of trade updates tells
    nothing. stream_noise: frames that it sends besides, to each who listens. stream_of_text: whether it sends
    text, as live does. stream_hangs: whether it answers no log-in."""

    def __init__(self) -> None:
        self.routes: list[Route] = list(TRADING)
        self.released = threading.Event()
        self.stream_epoch = 0
        self.sessions: list[Session] = []
        self._lock = threading.Lock()
        self._clear()
        handler = type("BoundHandler", (Handler,), {"server_of_alpaca": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _clear(self) -> None:
        self.market, self.script, self.limits = Market(), Script(), Limits()
        self.accounts: dict[str, Account] = {}
        self.requests: list[tuple[float, Request, str]] = []
        self.late: list[Request] = []
        self.exchanges: deque[Exchange] = deque(maxlen=KEPT)
        self.kill: Callable[[], None] = lambda: None
        self.most_hanging = self._hanging = 0
        self.stream_silent = self.stream_of_text = self.stream_hangs = False
        self.stream_noise: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    # --- What the test does ---

    def open_account(self, key: str = "PKALICE", cash: object = "100000", **fields: object) -> Account:
        """An account whose secret is its key with "-secret", unless the fields have another one."""
        values = {"secret": f"{key}-secret"} | fields
        account = Account(self.market, key, cash=Decimal(str(cash)), **values)  # type: ignore[arg-type]
        self.accounts[key] = account
        return account

    def list_assets(self, **prices: float) -> None:
        for symbol, price in prices.items():
            self.market.list_asset(symbol, price)

    def work(self) -> None:
        for account in list(self.accounts.values()):
            account.work()

    def arrive(self) -> list[Answer]:
        """The requests that were late take effect now. Returns the answers that nobody gets."""
        late, self.late = self.late, []
        return [self.answer(self.accounts[request.key], request) for request in late]

    def reset(self) -> None:
        """Forget the market, the accounts and the faults of a test."""
        self.release()
        self.drop_streams()
        self._clear()
        self.released = threading.Event()

    def drop_streams(self) -> None:
        """Close the connections of all streams without a word."""
        self.stream_epoch += 1

    def release(self) -> None:
        """End the requests that hang: their connections are closed."""
        self.released.set()

    def close(self) -> None:
        self.release()
        self.drop_streams()
        self._server.shutdown()
        self._server.server_close()

    @property
    def listening(self) -> list[int]:
        """How many events each stream that listens has had."""
        sessions = [each for each in self.sessions if each.epoch == self.stream_epoch]
        return [each.cursor for each in sessions if each.cursor is not None]

    # --- What the handler asks ---

    def route(self, method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
        for route in self.routes:
            values = route.values_of(method, path)
            if values is not None:
                return route, values
        return None

    def answer(self, account: Account, request: Request) -> Answer:
        """The honest answer: its status and its body."""
        status, answer = self._answer(account, request)
        exchange = Exchange(request.method, request.path, request.query, request.body, status, answer)
        self.exchanges.append(exchange)
        return status, answer

    def _answer(self, account: Account, request: Request) -> Answer:
        found = self.route(request.method, request.path)
        if found is None:
            return 404, {"code": 40410000, "message": "endpoint not found"}
        route, request.values = found
        with self.market.lock:
            account.pass_time()
            try:
                return route.handler(self, account, request)
            except Refusal as refusal:
                if request.method != "GET":
                    account.refused.append(str(refusal))
                return refusal.status, refusal.body

    def log(self, request: Request, how: str) -> None:
        self.requests.append((time.monotonic(), request, how))

    def hang(self, connection: socket.socket) -> None:
        """Do not answer until this is released, or the client has closed the connection."""
        with self._lock:
            self._hanging += 1
            self.most_hanging = max(self.most_hanging, self._hanging)
        while not self.released.is_set():
            readable, _, _ = select.select([connection], [], [], 0.05)
            if readable:
                break
        with self._lock:
            self._hanging -= 1
