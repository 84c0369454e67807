"""How the feed is doing, for what decides on its bars."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from django.conf import settings

from tradedesk.marketdata.feeds.alpaca import CAPABILITIES
from tradedesk.marketdata.library import find_series
from tradedesk.marketdata.models import BarUpdate
from tradedesk.marketdata.series import ALPACA

# One lost answer is nothing; this many in a row are a feed that fails.
FAILING = 2
# From the time at which the feed serves a bar until it is stored.
ON_THE_WAY = timedelta(seconds=2)


def delivery_delay(timeframe: str) -> timedelta:
    """How long after its close a bar is in the store: where bars are imported or replayed, at once."""
    if settings.MARKET != "alpaca":
        return timedelta(0)
    return CAPABILITIES.delay_of(timeframe) + ON_THE_WAY


def failing_series(user_id: int, symbols: Mapping[str, Collection[str]]) -> set[tuple[str, str]]:
    """The symbols and timeframes whose bars this user reads from a feed that fails. symbols: by timeframe. Without
    a failing feed no query or one."""
    if settings.MARKET != "alpaca":
        return set()
    failing = set(BarUpdate.objects.filter(failures__gte=FAILING).values_list("owner", "timeframe"))
    found: set[tuple[str, str]] = set()
    for timeframe, wanted in symbols.items() if failing else ():
        for symbol, series in find_series(user_id, wanted, timeframe).items():
            read = series.source or series
            if read.provider == ALPACA and (read.owner_id, read.timeframe) in failing:
                found.add((symbol, timeframe))
    return found
