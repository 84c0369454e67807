"""Reading bars: strategies, backtests and trading read prices only here."""

from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile

from django.conf import settings

from tradedesk.core.bars import Bars, to_datetime64
from tradedesk.marketdata.cache import BarCache, CachedSeries
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.parts import join
from tradedesk.marketdata.series import SeriesKey, read_parts, while_current
from tradedesk.marketdata.sessions import bar_close

# A hundred symbols of 25 years of daily bars, or a year of minutes of six.
CACHE = BarCache(limit=64 * 1024 * 1024)


class NoBars(LookupError):
    """Symbols without bars in a timeframe. The message names them and says how to import bars."""

    def __init__(self, symbols: Iterable[str], timeframe: str) -> None:
        self.symbols, self.timeframe = list(symbols), timeframe
        super().__init__(
            f"No {timeframe} bars for {', '.join(self.symbols)}. Import them: "
            f"manage.py import_bars FILE --symbol {self.symbols[0]} --timeframe {timeframe}"
        )


def find_series(symbols: Iterable[str], timeframe: str) -> dict[str, BarSeries]:
    """The series of each symbol, from the first of BAR_PROVIDERS that has it; others are left out."""
    wanted = list(dict.fromkeys(symbols))
    rank = {provider: place for place, provider in enumerate(settings.BAR_PROVIDERS)}
    found = BarSeries.objects.filter(symbol__in=wanted, timeframe=timeframe, provider__in=list(rank))
    first = {s.symbol: s for s in sorted(found, key=lambda s: rank[s.provider], reverse=True)}
    return {symbol: first[symbol] for symbol in wanted if symbol in first}


def available_symbols(timeframe: str) -> list[str]:
    """The symbols that have bars, sorted."""
    found = BarSeries.objects.filter(timeframe=timeframe, provider__in=settings.BAR_PROVIDERS)
    return list(found.order_by("symbol").values_list("symbol", flat=True).distinct())


def load_bars(symbol: str, timeframe: str) -> Bars:
    """The whole history of one symbol; see load_many."""
    return load_many([symbol], timeframe)[symbol]


def load_many(symbols: Iterable[str], timeframe: str) -> dict[str, Bars]:
    """The whole history of each symbol. The arrays are shared and read-only.

    Raises NoBars, which names all missing symbols, and DamagedBars if a file does not match its fingerprint.
    """
    wanted = list(dict.fromkeys(symbols))
    found = load_available(wanted, timeframe)
    if missing := [symbol for symbol in wanted if symbol not in found]:
        raise NoBars(missing, timeframe)
    return found


def load_available(symbols: Iterable[str], timeframe: str) -> dict[str, Bars]:
    """The whole history of those symbols that have bars; see load_many. One query for any number of symbols."""
    return {symbol: _bars(series) for symbol, series in find_series(symbols, timeframe).items()}


def closed_bars(symbol: str, timeframe: str, now: datetime, last: int | None = None) -> Bars:
    """The bars that have closed at `now`, possibly none; at most the last `last`. Raises NoBars."""
    return closed(load_bars(symbol, timeframe), timeframe, now, last)


def closed(bars: Bars, timeframe: str, now: datetime, last: int | None = None) -> Bars:
    """The bars that have closed at `now`, at most the last `last`, as a view."""
    end = len(bars.until(now))
    # Bars close in their order, so only the last ones need a check.
    while end and bar_close(bars.time[end - 1 : end], timeframe)[0] > to_datetime64(now):
        end -= 1
    return bars[0 if last is None else max(0, end - last) : end]


def _bars(series: BarSeries) -> Bars:
    key = SeriesKey(series.provider, series.symbol, series.timeframe)
    cached = CACHE.get(key)
    if cached and cached.parts == series.parts:
        return cached.bars
    try:
        bars = while_current(series, lambda: _assembled(series, cached))
    except FileNotFoundError:
        raise NoBars([series.symbol], series.timeframe) from None
    CACHE.put(key, CachedSeries(series.parts, bars))
    return bars


def _assembled(series: BarSeries, cached: CachedSeries | None) -> Bars:
    """The bars of all parts. The first parts come from memory as far as they are the same; the rest is read."""
    pairs = zip(cached.parts if cached else (), series.parts, strict=False)
    same = [part for _, part in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    known = [cached.bars[: sum(part.length for part in same)]] if cached and same else []
    return join([*known, *read_parts(series, series.parts[len(same) :])])
