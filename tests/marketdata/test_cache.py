import numpy as np

from tests.marketdata.examples import daily_bars
from tradedesk.marketdata.cache import BarCache, CachedSeries
from tradedesk.marketdata.parts import Part

ONE = 6 * 8 * 10  # bytes of ten bars


def series(count: int) -> CachedSeries:
    return CachedSeries((Part("all", count, "f" * 64),), daily_bars(count))


def test_it_gives_back_the_same_arrays() -> None:
    cache, given = BarCache(limit=ONE), series(10)
    cache.put("a", given)
    kept = cache.get("a")
    assert kept is not None
    assert kept.parts == given.parts
    assert np.shares_memory(kept.bars.close, given.bars.close)
    assert cache.get("b") is None


def test_the_least_recently_used_bars_are_removed_first() -> None:
    cache = BarCache(limit=2 * ONE)
    cache.put("a", series(10))
    cache.put("b", series(10))
    cache.get("a")
    cache.put("c", series(10))
    assert [name for name in "abc" if cache.get(name)] == ["a", "c"]


def test_putting_the_same_again_uses_no_more_memory() -> None:
    cache = BarCache(limit=2 * ONE)
    cache.put("a", series(10))
    for _ in range(5):
        cache.put("b", series(10))
    assert cache.get("a") is not None


def test_a_series_larger_than_the_limit_is_kept_alone() -> None:
    cache = BarCache(limit=ONE)
    cache.put("a", series(5))
    cache.put("b", series(50))
    assert cache.get("a") is None
    assert cache.get("b") is not None
    cache.put("c", series(5))
    assert cache.get("b") is None
    assert cache.get("c") is not None
