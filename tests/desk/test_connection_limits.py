"""A server with the desk's connections: silent ones are closed, and many do not make it deaf."""

import resource
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn

from tradedesk import connection_limits
from tradedesk.connection_limits import LimitedProtocol, raise_open_files
from tradedesk.request_limits import Message, Scope

HEAD = b"GET / HTTP/1.1\r\nHost: desk\r\n"


async def answer(scope: Scope, receive: object, send: object) -> None:
    messages: list[Message] = [
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]},
        {"type": "http.response.body", "body": b"ok"},
    ]
    for message in messages:
        await send(message)  # type: ignore[operator]  # an ASGI send


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(connection_limits, "HEADER_SECONDS", 0.3)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    config = uvicorn.Config(answer, http=LimitedProtocol, lifespan="off", ws="none", log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(20)


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def answers(connection: socket.socket) -> bool:
    received = b""
    while not received.endswith(b"ok"):
        received += (new := connection.recv(1000))
        if not new:
            return False
    return True


def is_closed_by_the_server(connection: socket.socket) -> bool:
    try:
        return connection.recv(100) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [b"", HEAD])
def test_a_connection_without_complete_headers_is_closed(port: int, sent: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(sent)
        assert is_closed_by_the_server(connection)


def test_the_second_request_of_a_connection_has_the_same_limit(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(HEAD + b"\r\n")
        assert answers(connection)
        connection.sendall(HEAD)
        assert is_closed_by_the_server(connection)


def test_a_request_is_answered_beside_hundreds_of_silent_connections(port: int) -> None:
    silent = [connect(port) for _ in range(300)]
    try:
        with connect(port) as connection:
            connection.sendall(HEAD + b"\r\n")
            assert answers(connection)
        assert all(map(is_closed_by_the_server, silent))
    finally:
        for connection in silent:
            connection.close()


def test_a_request_may_take_longer_than_its_headers(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(HEAD + b"\r\n")
        time.sleep(0.4)
        connection.sendall(HEAD + b"\r\n")
        assert answers(connection)


def test_the_process_may_open_more_files(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = [256, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limits.__setitem__(slice(None), list(new)))
    assert raise_open_files() == 4096
    assert limits == [4096, 4096]
