"""Bars kept in memory, so that a check every few seconds does not read the same file again."""

from collections.abc import Hashable
from threading import Lock
from typing import NamedTuple

from cachetools import LRUCache

from tradedesk.core.bars import COLUMNS, Bars
from tradedesk.marketdata.parts import Part


class CachedSeries(NamedTuple):
    """All bars of a series as contiguous arrays, and the parts that they consist of."""

    parts: tuple[Part, ...]
    bars: Bars


class BarCache:
    """The most recently used series, up to `limit` bytes; the newest stays even if it is larger.

    Safe to share between threads. The arrays are shared too: they must be read-only.
    """

    def __init__(self, limit: int) -> None:
        # Larger bars count as the whole limit: LRUCache refuses what is larger, and so they are kept alone.
        self._kept: LRUCache[Hashable, CachedSeries] = LRUCache(
            limit, getsizeof=lambda series: min(_bytes(series.bars), limit)
        )
        self._lock = Lock()

    def get(self, key: Hashable) -> CachedSeries | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: Hashable, series: CachedSeries) -> None:
        with self._lock:
            self._kept[key] = series

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


def _bytes(bars: Bars) -> int:
    return sum(getattr(bars, name).nbytes for name in COLUMNS)
