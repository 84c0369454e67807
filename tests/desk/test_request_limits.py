"""The limits of requests: the size of a body, the time to send it, and how many are worked on at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tradedesk.request_limits import Limits, Message, RequestLimits, Scope

LIMITS = Limits(api=10, pages=20, uploads=40, seconds=0.05, upload_seconds=0.05, at_once=2, waiting=3)


class Client:
    """Sends one request in pieces, and keeps the answer. pauses: seconds before each piece."""

    def __init__(self, path: str, *pieces: bytes, declared: int | None = None, pause: float = 0.0) -> None:
        headers = [] if declared is None else [(b"content-length", str(declared).encode())]
        self.scope: Scope = {"type": "http", "path": path, "headers": headers}
        self.pieces, self.pause = list(pieces), pause
        self.status = 0

    async def receive(self) -> Message:
        await asyncio.sleep(self.pause)
        body = self.pieces.pop(0) if self.pieces else b""
        return {"type": "http.request", "body": body, "more_body": bool(self.pieces)}

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)


async def echo(scope: Scope, receive: Callable[[], Awaitable[Message]], send: Any) -> None:
    """Reads the whole body and answers 200, as Django does."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def ask(client: Client, limits: Limits = LIMITS) -> int:
    asyncio.run(RequestLimits(echo, limits)(client.scope, client.receive, client.send))
    return client.status


@pytest.mark.parametrize(
    ("path", "largest"), [("/api/v1/strategies", 10), ("/strategies", 20), ("/dashboard/data/upload", 40)]
)
@pytest.mark.parametrize("declare", [True, False])
def test_a_body_has_its_largest_size(path: str, largest: int, declare: bool) -> None:
    for size, status in ((largest, 200), (largest + 1, 413)):
        pieces = [b"x" * 5] * (size // 5) + [b"x" * (size % 5)]
        assert ask(Client(path, *pieces, declared=size if declare else None)) == status


def test_a_declared_size_is_refused_before_anything_is_read() -> None:
    client = Client("/api/v1/strategies", b"x", declared=11)
    assert ask(client) == 413
    assert client.pieces == [b"x"]


@pytest.mark.parametrize("path", ["/api/v1/strategies", "/dashboard/data/upload"])
def test_a_body_that_arrives_too_slowly_is_refused(path: str) -> None:
    assert ask(Client(path, b"x", b"x", pause=0.2)) == 408


def gather(count: int, path: str, limits: Limits) -> tuple[list[int], int]:
    """The statuses of so many requests at the same time, and the most that were worked on together."""
    working, most = 0, 0

    async def slow(scope: Scope, receive: Any, send: Any) -> None:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0.02)
        working -= 1
        await echo(scope, receive, send)

    async def all_at_once() -> list[int]:
        app, clients = RequestLimits(slow, limits), [Client(path, b"x") for _ in range(count)]
        await asyncio.gather(*(app(client.scope, client.receive, client.send) for client in clients))
        return [client.status for client in clients]

    return asyncio.run(all_at_once()), most


def test_so_many_are_worked_on_and_so_many_wait_and_the_rest_is_told_to_come_back() -> None:
    statuses, most = gather(8, "/strategies", Limits(at_once=2, waiting=3, seconds=5))
    assert most == 2
    assert statuses.count(503) >= 3
    assert statuses.count(200) >= 2


def test_one_that_waits_too_long_is_told_to_come_back() -> None:
    statuses, _ = gather(2, "/strategies", Limits(at_once=1, seconds_waiting=0.001))
    assert sorted(statuses) == [200, 503]


@pytest.mark.parametrize("path", ["/events", "/api/health"])
def test_streams_and_the_health_never_wait(path: str) -> None:
    statuses, most = gather(6, path, Limits(at_once=1, waiting=1))
    assert statuses == [200] * 6
    assert most == 6
