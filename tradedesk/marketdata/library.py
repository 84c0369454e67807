"""Reading bars: strategies, backtests and trading read prices only here."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile
from urllib.parse import urlencode

import numpy as np
from django.conf import settings
from django.db.models import Q, QuerySet

from tradedesk.core.bars import Bars, Timeframe, to_datetime, to_datetime64
from tradedesk.marketdata.cache import BarCache, CachedSeries
from tradedesk.marketdata.models import BarSeries, StoredBars
from tradedesk.marketdata.parts import join
from tradedesk.marketdata.resampling import resample, sources_of
from tradedesk.marketdata.series import SeriesKey, read_parts, while_current
from tradedesk.marketdata.sessions import bar_close, bar_dates, daily_times

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


def download_query(symbols: Iterable[str], timeframe: str) -> str:
    """The query of the page that downloads the bars of these symbols; "" without symbols."""
    wanted = ", ".join(symbols)
    return urlencode({"symbols": wanted, "timeframe": timeframe}) if wanted else ""


def visible_series(user_id: int | None) -> QuerySet[BarSeries]:
    """All series that this user may see: those for all users, and the user's own. None: those for all users."""
    return BarSeries.objects.filter(Q(owner=None) | Q(owner=user_id))


def rank(series: StoredBars | SeriesKey, timeframe: str) -> tuple[bool, bool, int, int]:
    """The series that a user reads as `timeframe` is the one of the lowest rank: one of that timeframe, then an
    own one, then the longest, then the first of BAR_PROVIDERS. Raises ValueError for one that it cannot be made
    from."""
    return (
        series.timeframe != timeframe,
        series.owner_id is None,
        [timeframe, *sources_of(timeframe)].index(series.timeframe),
        settings.BAR_PROVIDERS.index(series.provider),
    )


def find_series(user_id: int | None, symbols: Iterable[str], timeframe: str) -> dict[str, BarSeries]:
    """The series of each symbol that this user reads, on pages, in backtests and in live trading; others are left
    out. A user's own series hides the one for all users. None: only series for all users.

    Where no series has this timeframe, its bars are made from those of the longest shorter one.
    """
    wanted = list(dict.fromkeys(symbols))
    found = visible_series(user_id).filter(
        symbol__in=wanted, timeframe__in=[timeframe, *sources_of(timeframe)], provider__in=settings.BAR_PROVIDERS
    )
    ranked = sorted(found, key=lambda series: rank(series, timeframe), reverse=True)
    first = {series.symbol: series for series in ranked}
    return {symbol: _as_timeframe(first[symbol], timeframe) for symbol in wanted if symbol in first}


def available_symbols(user_id: int | None, timeframe: str) -> list[str]:
    """The symbols that have bars for this user, sorted."""
    timeframes = [timeframe, *sources_of(timeframe)]
    found = visible_series(user_id).filter(timeframe__in=timeframes, provider__in=settings.BAR_PROVIDERS)
    return list(found.order_by("symbol").values_list("symbol", flat=True).distinct())


def load_bars(user_id: int | None, symbol: str, timeframe: str) -> Bars:
    """The whole history of one symbol; see load_many."""
    return load_many(user_id, [symbol], timeframe)[symbol]


def load_many(user_id: int | None, symbols: Iterable[str], timeframe: str) -> dict[str, Bars]:
    """The whole history of each symbol, from the series that this user reads (find_series). The arrays are shared
    and read-only.

    Raises NoBars, which names all missing symbols, and DamagedBars if a file does not match its fingerprint.
    """
    wanted = list(dict.fromkeys(symbols))
    found = {symbol: bars_of(series) for symbol, series in find_series(user_id, wanted, timeframe).items()}
    if missing := [symbol for symbol in wanted if symbol not in found]:
        raise NoBars(missing, timeframe)
    return found


def closed_bars(user_id: int | None, symbol: str, timeframe: str, now: datetime, last: int | None = None) -> Bars:
    """The bars that have closed at `now`, possibly none; at most the last `last`. Raises NoBars."""
    return closed(load_bars(user_id, symbol, timeframe), timeframe, now, last)


def closed(bars: Bars, timeframe: str, now: datetime, last: int | None = None) -> Bars:
    """The bars that have closed at `now`, at most the last `last`, as a view."""
    end = len(bars.until(now))
    # Bars close in their order, so only the last ones need a check.
    while end and bar_close(bars.time[end - 1 : end], timeframe)[0] > to_datetime64(now):
        end -= 1
    return bars[0 if last is None else max(0, end - last) : end]


def bars_of(series: BarSeries) -> Bars:
    """The whole history of this series. If its files were replaced since its row was read, the row is read again
    into `series`. Raises NoBars and DamagedBars."""
    if series.source is not None:
        return _resampled(series, series.source)
    cached = CACHE.get(series.pk)
    if cached and cached.parts == series.parts:
        return cached.bars
    try:
        bars = while_current(series, lambda: _assembled(series, cached))
    except FileNotFoundError:
        raise NoBars([series.symbol], series.timeframe) from None
    CACHE.put(series.pk, CachedSeries(series.parts, bars))
    return bars


def _as_timeframe(series: BarSeries, timeframe: str) -> BarSeries:
    """The series, or one that is made from it: not stored, with the place and the time of its bars."""
    if series.timeframe == timeframe:
        return series
    made = BarSeries(pk=series.pk, **series.stored_values() | {"timeframe": timeframe})
    made.source = series
    made.first, made.last = (_time_of_bar(moment, timeframe) for moment in (series.first, series.last))
    made.fingerprint = _fingerprint_of_made(series, timeframe)
    return made


def _time_of_bar(moment: datetime, timeframe: str) -> datetime:
    if not Timeframe(timeframe).is_dated:
        return moment
    first, _ = bar_dates(np.array([to_datetime64(moment)]), timeframe)
    return to_datetime(daily_times(first)[0])


def _fingerprint_of_made(source: BarSeries, timeframe: str) -> str:
    return hashlib.sha256(f"{source.fingerprint} {timeframe}".encode()).hexdigest()


def _resampled(series: BarSeries, source: BarSeries) -> Bars:
    """The bars of a series that is made from `source`; kept as long as the source is the same."""
    shorter = bars_of(source)
    key = source.pk, series.timeframe
    cached = CACHE.get(key)
    if cached is None or cached.parts != source.parts:
        cached = CachedSeries(source.parts, resample(shorter, source.timeframe, series.timeframe))
        CACHE.put(key, cached)
    series.fingerprint = _fingerprint_of_made(source, series.timeframe)
    if not len(cached.bars):
        raise NoBars([series.symbol], series.timeframe)
    return cached.bars


def _assembled(series: BarSeries, cached: CachedSeries | None) -> Bars:
    """The bars of all parts. The first parts come from memory as far as they are the same; the rest is read."""
    pairs = zip(cached.parts if cached else (), series.parts, strict=False)
    same = [part for _, part in takewhile(lambda pair: pair[0] == pair[1], pairs)]
    known = [cached.bars[: sum(part.length for part in same)]] if cached and same else []
    return join([*known, *read_parts(series, series.parts[len(same) :])])
