"""Keeping a series: its file in the bar store and its row in the database, in one step."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from tradedesk.core.bars import Bars, to_datetime
from tradedesk.marketdata import store
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import ImportRefused


class SeriesKey(NamedTuple):
    """What a series is known by."""

    provider: str
    symbol: str
    timeframe: str


def keep(key: SeriesKey, bars: Bars, *, adjusted: bool, present: BarSeries | None, now: datetime) -> BarSeries:
    """Make `bars` the whole of a series that stood as `present` (None: not at all) when it was read.

    The new file is written, then the row names it, if it still is as `present` says; then the old file goes.
    now: wall time. Raises ImportRefused when the store cannot be written or the series has changed meanwhile.
    """
    values = {
        "first": to_datetime(bars.time[0]),
        "last": to_datetime(bars.time[-1]),
        "count": len(bars),
        "adjusted": adjusted,
        "fingerprint": store.fingerprint_of(bars),
        "updated_at": now,
    }
    series = BarSeries(pk=present.pk if present else None, **key._asdict(), **values)
    try:
        store.write(series.path, bars)
    except OSError as error:
        raise ImportRefused(f"The bars could not be stored ({error.strerror}). Nothing was changed.") from error
    if not _named(series, present, values):
        raise ImportRefused(f"Other bars of {key.symbol} arrived while this file was read. Import it again.")
    if present and present.path != series.path:
        old = present.path
        transaction.on_commit(lambda: store.delete(old))
    return series


def _named(series: BarSeries, present: BarSeries | None, values: dict[str, object]) -> bool:
    """Whether the row now says what `values` say: because it was as `present`, or someone else wrote the same."""
    same_key = BarSeries.objects.filter(provider=series.provider, symbol=series.symbol, timeframe=series.timeframe)
    if present is None:
        row, created = same_key.get_or_create(
            provider=series.provider, symbol=series.symbol, timeframe=series.timeframe, defaults=values
        )
        series.pk = row.pk
        return created or row.fingerprint == series.fingerprint
    won = same_key.filter(fingerprint=present.fingerprint).update(**values) == 1
    return won or same_key.filter(fingerprint=series.fingerprint).exists()
