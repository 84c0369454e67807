"""Limits of each request, before Django reads it: the size of its body, the time to send it, requests at a time.

Django itself would store a body of any size in a temporary file, and give every request a thread of its own.
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

Scope = Any  # a mapping; the libraries that call and that are called declare it differently
Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

KILOBYTE, MEGABYTE = 1024, 1024**2
UPLOADS = "/dashboard/data/upload"
# An event stream stays open and needs no thread; the hub limits the streams of each user.
STREAMS = "/events"
# The operator must see what is wrong with a desk that is busy.
HEALTH = "/api/health"
BUSY = "The desk is busy. Try again in a moment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """api, uploads, pages: the largest body in bytes. seconds, upload_seconds: to receive it. at_once,
    uploads_at_once: requests that are worked on. waiting: requests that arrive or wait for their turn, and
    seconds_waiting for how long at most."""

    api: int = 64 * KILOBYTE
    uploads: int = 26 * MEGABYTE
    pages: int = MEGABYTE
    seconds: float = 20.0
    upload_seconds: float = 600.0
    at_once: int = 32
    uploads_at_once: int = 4
    waiting: int = 512
    seconds_waiting: float = 10.0


class _Refused(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class RequestLimits:
    """An ASGI application around another one. A request over a limit gets 408, 413 or 503 with the reason."""

    def __init__(self, app: App, limits: Limits | None = None) -> None:
        self.app, self.limits = app, limits or Limits()
        self._turns = asyncio.Semaphore(self.limits.at_once)
        self._upload_turns = asyncio.Semaphore(self.limits.uploads_at_once)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_on(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._limited(scope, receive, send_on)
        except _Refused as refusal:
            if not started:
                await _answer(send, scope["path"], refusal)

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        body = _Body(receive, self.limits, path)
        body.check_declared(scope["headers"])
        if path in (STREAMS, HEALTH):
            await self.app(scope, body.receive, send)
        elif path.startswith(UPLOADS):  # too large for the memory
            async with self._turn(self._upload_turns):
                await self.app(scope, body.receive, send)
        else:
            # A client that sends slowly has no turn while it does.
            with self._counted():
                await body.read()
            async with self._turn(self._turns):
                await self.app(scope, body.receive, send)

    @contextlib.contextmanager
    def _counted(self) -> Iterator[None]:
        if self._waiting >= self.limits.waiting:
            raise _Refused(503, BUSY)
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    @contextlib.asynccontextmanager
    async def _turn(self, turns: asyncio.Semaphore) -> AsyncIterator[None]:
        with self._counted():
            try:
                async with asyncio.timeout(self.limits.seconds_waiting):
                    await turns.acquire()
            except TimeoutError:
                raise _Refused(503, BUSY) from None
        try:
            yield
        finally:
            turns.release()


class _Body:
    """The body of one request, counted and timed while it arrives."""

    def __init__(self, receive: Receive, limits: Limits, path: str) -> None:
        is_upload = path.startswith(UPLOADS)
        self._most = limits.api if path.startswith("/api/") else limits.uploads if is_upload else limits.pages
        self._seconds = limits.upload_seconds if is_upload else limits.seconds
        self._deadline = asyncio.get_running_loop().time() + self._seconds
        self._receive = receive
        self._bytes, self._complete = 0, False
        self._messages = deque[Message]()

    def check_declared(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        declared = next((value for name, value in headers if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > self._most:
            raise self._too_large()

    async def read(self) -> None:
        """Receive all of it; `receive` then returns what was received."""
        while not self._complete:
            self._messages.append(await self._next())

    async def receive(self) -> Message:
        return self._messages.popleft() if self._messages else await self._next()

    async def _next(self) -> Message:
        if self._complete:  # what follows is the end of the connection
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise _Refused(408, f"The request did not arrive within {self._seconds:,.0f} seconds.") from None
        self._bytes += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._bytes > self._most:
            raise self._too_large()
        return message

    def _too_large(self) -> _Refused:
        size = f"{self._most // MEGABYTE} MB" if self._most >= MEGABYTE else f"{self._most // KILOBYTE} KB"
        return _Refused(413, f"The request is too large: at most {size} here.")


async def _answer(send: Send, path: str, refusal: _Refused) -> None:
    in_json = path.startswith("/api/")
    text = json.dumps({"detail": refusal.detail}) if in_json else f"{refusal.detail}\n"
    headers = [
        (b"content-type", b"application/json" if in_json else b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text.encode())).encode()),
        (b"cache-control", b"no-store"),
        # The rest of the body is not read.
        (b"connection", b"close"),
    ]
    if refusal.status == 503:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
