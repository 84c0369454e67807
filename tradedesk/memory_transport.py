"""Kombu's message broker in memory, whose consumers sleep until there is something for them.

Kombu's own asks again and again, which for the five workers of the embedded desk is fifty times a second, and a
message waits for the next time.
"""

import time
from queue import Empty
from threading import Condition
from typing import Any

from kombu.transport import memory

# An acknowledgement waits in the worker's loop for the end of `drain_events`, and the next message for it.
SECONDS_WITH_UNACKNOWLEDGED = 0.1
SECONDS = 2.0


class News:
    """Counts the messages that were put into any queue. Waiting for a higher count misses none."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = Condition()

    def tell(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait_beyond(self, count: int, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self.count > count, max(0.0, seconds))


NEWS = News()


class Channel(memory.Channel):
    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        NEWS.tell()

    def _put_fanout(self, exchange: str, message: Any, routing_key: str | None = None, **kwargs: Any) -> None:
        super()._put_fanout(exchange, message, routing_key, **kwargs)
        NEWS.tell()


class Transport(memory.Transport):
    Channel = Channel

    cycle: Any
    channels: Any

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> None:
        """Deliver one message. Raises TimeoutError when none has come."""
        until = time.monotonic() + (SECONDS if timeout is None else timeout)
        while True:
            count = NEWS.count
            try:
                self.cycle.get(self._deliver, timeout=timeout)
                return
            except Empty:
                pass
            left = until - time.monotonic()
            if any(channel.qos.prefetch_count and len(channel.qos._delivered) for channel in self.channels):
                NEWS.wait_beyond(count, min(left, SECONDS_WITH_UNACKNOWLEDGED))
                raise TimeoutError
            if left <= 0:
                raise TimeoutError
            NEWS.wait_beyond(count, left)
