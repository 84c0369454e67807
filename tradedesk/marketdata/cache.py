"""Bars kept in memory, so that a check every few seconds does not read the same file again."""

from threading import Lock

from cachetools import LRUCache

from tradedesk.core.bars import COLUMNS, Bars


class BarCache:
    """The most recently used bars, by fingerprint, up to `limit` bytes; the newest stay even if they are larger.

    Safe to share between threads. The arrays are shared too: they must be read-only.
    """

    def __init__(self, limit: int) -> None:
        # Larger bars count as the whole limit: LRUCache refuses what is larger, and so they are kept alone.
        self._kept: LRUCache[str, Bars] = LRUCache(limit, getsizeof=lambda bars: min(_bytes(bars), limit))
        self._lock = Lock()

    def get(self, fingerprint: str) -> Bars | None:
        with self._lock:
            return self._kept.get(fingerprint)

    def put(self, fingerprint: str, bars: Bars) -> None:
        with self._lock:
            self._kept[fingerprint] = bars

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


def _bytes(bars: Bars) -> int:
    return sum(getattr(bars, name).nbytes for name in COLUMNS)
