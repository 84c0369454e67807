"""The message broker in memory of the one-process desk."""

import threading
import time
import uuid
from collections.abc import Iterator

import pytest
from kombu import Connection, Consumer, Queue
from kombu.simple import SimpleQueue

import tradedesk.celery  # noqa: F401 - registers the transport
from tradedesk.memory_transport import News, Transport


@pytest.fixture
def connection() -> Iterator[Connection]:
    with Connection("memory://localhost/") as connection:
        yield connection


def test_a_waiting_consumer_gets_a_message_at_once(connection: Connection) -> None:
    assert isinstance(connection.transport, Transport)
    name, got = uuid.uuid4().hex, []
    with Consumer(connection, [Queue(name)], callbacks=[lambda body, message: got.append(body)], no_ack=True):
        threading.Timer(0.2, lambda: put(name, "check 7")).start()
        began = time.monotonic()
        connection.drain_events(timeout=60)

    assert got == ["check 7"]
    assert time.monotonic() - began < 30


def test_without_a_message_the_time_is_over(connection: Connection) -> None:
    with (
        Consumer(connection, [Queue(uuid.uuid4().hex)], callbacks=[print]),
        pytest.raises(TimeoutError),
    ):
        connection.drain_events(timeout=0.01)


def test_news_between_the_look_and_the_wait_is_not_missed() -> None:
    news = News()
    before = news.count
    news.tell()
    began = time.monotonic()

    news.wait_beyond(before, seconds=60)

    assert time.monotonic() - began < 30


def put(name: str, body: str) -> None:
    with Connection("memory://localhost/") as other, SimpleQueue(other.channel(), name) as queue:
        queue.put(body)
