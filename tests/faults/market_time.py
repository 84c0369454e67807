"""The market time of the fault tests: the test sets it, and its workers read it from the shared cache."""

from datetime import datetime

from django.core.cache import cache

_KEY = "faults:market-time"


def set_market_time(now: datetime) -> None:
    cache.set(_KEY, now, timeout=None)


def market_time() -> datetime:
    now: datetime = cache.get(_KEY)
    return now


def use_market_time() -> None:
    """From now on the clock of this process gives the market time of the test."""
    from tradedesk.marketdata.clock import ReplayClock  # needs Django

    ReplayClock.now = lambda self: market_time()  # type: ignore[method-assign]
