"""Bars kept in memory, so that a check every few seconds does not read the same file again."""

from collections import OrderedDict
from threading import Lock

from tradedesk.core.bars import COLUMNS, Bars


class BarCache:
    """The bars used last, by fingerprint, up to `limit` bytes; the newest stay even if they are larger.

    Safe to share between threads. The arrays are shared too: they must be read-only.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[str, Bars] = OrderedDict()
        self._lock = Lock()

    def get(self, fingerprint: str) -> Bars | None:
        with self._lock:
            if fingerprint in self._kept:
                self._kept.move_to_end(fingerprint)
            return self._kept.get(fingerprint)

    def put(self, fingerprint: str, bars: Bars) -> None:
        with self._lock:
            if fingerprint in self._kept:
                return
            self._kept[fingerprint] = bars
            self._size += _bytes(bars)
            while self._size > self._limit and len(self._kept) > 1:
                self._size -= _bytes(self._kept.popitem(last=False)[1])

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()
            self._size = 0


def _bytes(bars: Bars) -> int:
    return sum(getattr(bars, name).nbytes for name in COLUMNS)
