"""How many threads of a process may be at one broker at the same time, so that a broker that hangs leaves some for
the accounts of others.

The limit is of this process alone, because its threads are what a broker that hangs takes. The simulation calls
nobody and has no limit.
"""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from livetrading.models import BrokerAccount

# Of the eight threads of a worker.
MOST = 6
# Seconds of one turn from which on a broker counts as slow. It then gets one thread, until a turn was quick.
SLOW = 4.0


class Turns:
    """The turns of this process, by broker."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside: Counter[str] = Counter()
        self._slow: set[str] = set()

    @contextmanager
    def turn(self, broker: str) -> Iterator[bool]:
        """Whether there is room at this broker; if so, it is taken until the end of the block."""
        if broker == BrokerAccount.Broker.PAPER:
            yield True
            return
        with self._lock:
            free = self._inside[broker] < (1 if broker in self._slow else MOST)
            self._inside[broker] += free
        if not free:
            yield False
            return
        began = time.monotonic()
        try:
            yield True
        finally:
            with self._lock:
                self._inside[broker] -= 1
                if time.monotonic() - began >= SLOW:
                    self._slow.add(broker)
                else:
                    self._slow.discard(broker)


TURNS = Turns()
