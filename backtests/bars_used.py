"""Which bars a result uses: all bars of its symbols up to the end of its period, with those before the start.

Bars after the end change no result, so they are not in the fingerprint.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from cachetools import LRUCache

from tradedesk.core.bars import Bars
from tradedesk.marketdata.library import NoBars, bars_of, closed
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.store import DamagedBars, fingerprint_of

# A few megabytes: the periods of hundreds of results on fifty symbols each.
MAX_KEPT = 16_384


@dataclass(frozen=True, slots=True)
class BarsUsed:
    """The used bars of one symbol. fingerprint: their SHA-256 (store.fingerprint_of). count: their number."""

    provider: str
    fingerprint: str
    count: int

    @classmethod
    def of(cls, provider: str, bars: Bars) -> "BarsUsed":
        return cls(provider, fingerprint_of(bars), len(bars))


# By series, version of the series, and end: a page must not hash the same bars again and again.
_kept: LRUCache[tuple[int, str, datetime], BarsUsed] = LRUCache(MAX_KEPT)
_lock = Lock()


def loaded_bars_used(
    bars: Mapping[str, Bars], series: Mapping[str, BarSeries], end: datetime
) -> dict[str, BarsUsed]:
    """Of loaded bars, each the whole history of a symbol: those that open at or before `end`."""
    return {symbol: BarsUsed.of(series[symbol].provider, own.until(end)) for symbol, own in bars.items()}


def stored_bars_used(series: BarSeries, end: datetime) -> BarsUsed:
    """Of the bars in the store: those that open at or before `end`; no fingerprint if they cannot be read.

    Loads the bars only if the series is new here or has changed, so a page may call it for every symbol it shows.
    """
    key = series.pk, series.fingerprint, end
    with _lock:
        kept = _kept.get(key)
    if kept is not None:
        return kept
    try:
        used = BarsUsed.of(series.provider, bars_of(series).until(end))
    except (NoBars, DamagedBars):
        return BarsUsed(series.provider, "", 0)
    # Not kept if the series has changed meanwhile: the loaded bars are of another version.
    if series.fingerprint == key[1]:
        with _lock:
            _kept[key] = used
    return used


def closed_bars_used(series: Mapping[str, BarSeries], timeframe: str, now: datetime) -> dict[str, BarsUsed]:
    """Of the bars in the store: those that have closed at `now`. Raises NoBars and DamagedBars."""
    return {
        symbol: BarsUsed.of(each.provider, closed(bars_of(each), timeframe, now))
        for symbol, each in series.items()
    }
