"""Saving a series: its file in the bar store and its row in the database, in one step."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from tradedesk.core.bars import Bars, to_datetime
from tradedesk.marketdata import store
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import ImportRefused


class SeriesKey(NamedTuple):
    """The unique key of a series."""

    provider: str
    symbol: str
    timeframe: str


def save_series(
    key: SeriesKey, bars: Bars, *, adjusted: bool, stored: BarSeries | None, now: datetime
) -> BarSeries:
    """Replace all bars of a series with `bars`. stored: the row as it was read before; None if there was none.

    Writes the new file, then updates the row if it is still equal to `stored`, then deletes the old file. now:
    wall time. Raises ImportRefused if the store cannot be written or the series has changed since it was read.
    """
    values = {
        "first": to_datetime(bars.time[0]),
        "last": to_datetime(bars.time[-1]),
        "count": len(bars),
        "adjusted": adjusted,
        "fingerprint": store.fingerprint_of(bars),
        "updated_at": now,
    }
    series = BarSeries(pk=stored.pk if stored else None, **key._asdict(), **values)
    try:
        store.write(series.path, bars)
    except OSError as error:
        raise ImportRefused(f"The bars could not be stored ({error.strerror}). Nothing was changed.") from error
    if not _row_updated(series, stored, values):
        raise ImportRefused(f"Another import changed the bars of {key.symbol} just now. Import the file again.")
    if stored and stored.path != series.path:
        old = stored.path
        transaction.on_commit(lambda: store.delete(old))
    return series


def _row_updated(series: BarSeries, stored: BarSeries | None, values: dict[str, object]) -> bool:
    """Update or create the row. Returns whether it now has `values`, also if another import wrote the same."""
    same_key = BarSeries.objects.filter(provider=series.provider, symbol=series.symbol, timeframe=series.timeframe)
    if stored is None:
        row, created = same_key.get_or_create(
            provider=series.provider, symbol=series.symbol, timeframe=series.timeframe, defaults=values
        )
        series.pk = row.pk
        return created or row.fingerprint == series.fingerprint
    won = same_key.filter(fingerprint=stored.fingerprint).update(**values) == 1
    return won or same_key.filter(fingerprint=series.fingerprint).exists()
