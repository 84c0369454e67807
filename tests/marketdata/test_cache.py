import numpy as np

from tests.marketdata.examples import daily_bars
from tradedesk.marketdata.cache import BarCache

ONE = 6 * 8 * 10  # bytes of ten bars


def test_it_gives_back_the_same_arrays() -> None:
    cache, bars = BarCache(limit=ONE), daily_bars(10)
    cache.put("a", bars)
    kept = cache.get("a")
    assert kept is not None
    assert np.shares_memory(kept.close, bars.close)
    assert cache.get("b") is None


def test_the_least_recently_used_bars_are_removed_first() -> None:
    cache = BarCache(limit=2 * ONE)
    cache.put("a", daily_bars(10))
    cache.put("b", daily_bars(10))
    cache.get("a")
    cache.put("c", daily_bars(10))
    assert [name for name in "abc" if cache.get(name)] == ["a", "c"]


def test_putting_the_same_again_uses_no_more_memory() -> None:
    cache = BarCache(limit=2 * ONE)
    cache.put("a", daily_bars(10))
    for _ in range(5):
        cache.put("b", daily_bars(10))
    assert cache.get("a") is not None


def test_a_series_larger_than_the_limit_is_kept_alone() -> None:
    cache = BarCache(limit=ONE)
    cache.put("a", daily_bars(5))
    cache.put("b", daily_bars(50))
    assert cache.get("a") is None
    assert cache.get("b") is not None
    cache.put("c", daily_bars(5))
    assert cache.get("b") is None
    assert cache.get("c") is not None
