"""The connections of this process to Alpaca, and the hard end of each request.

One pool for all accounts, because the keys travel with each request: so few requests wait for a new connection.
"""

import os
import threading
import time
from collections.abc import Callable
from functools import cache
from queue import Empty, SimpleQueue

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

# Connections to one host that are kept while nobody uses them.
KEPT = 8
# Seconds that a request's own time limits have to end it before it is left behind.
MARGIN = 0.25


class _Ends(threading.local):
    """When the request of this thread must have been sent, in monotonic seconds."""

    at = float("inf")


_ENDS = _Ends()


def _check() -> None:
    # Looking up a name has no time limit; whoever waited for this request may have given it up meanwhile.
    if time.monotonic() >= _ENDS.at:
        raise TimeoutError("It took too long to connect.")


class _Plain(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _check()


class _Secure(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _check()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


def use_shared(session: requests.Session) -> None:
    """Let this session use the connections of the process."""
    for scheme in ("http://", "https://"):
        session.mount(scheme, _shared(os.getpid()))


@cache
def _shared(process: int) -> HTTPAdapter:
    """process: a forked one must not use the connections of its parent."""
    adapter = HTTPAdapter(pool_maxsize=KEPT)
    adapter.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return adapter


def within(seconds: float, send: Callable[[], requests.Response]) -> requests.Response:
    """The answer of `send`, at the latest after these seconds and a moment. Raises requests.Timeout.

    A request that is left behind ends by itself: it is not sent after this time, and its answer is not read.
    """
    done: SimpleQueue[requests.Response | Exception] = SimpleQueue()

    def work() -> None:
        _ENDS.at = until
        try:
            done.put(send())
        except Exception as error:
            done.put(error)

    until = time.monotonic() + seconds
    threading.Thread(target=work, name="alpaca-request", daemon=True).start()
    try:
        found = done.get(timeout=seconds + MARGIN)
    except Empty:
        raise requests.Timeout("The answer took too long.") from None
    if isinstance(found, Exception):
        raise found
    return found
