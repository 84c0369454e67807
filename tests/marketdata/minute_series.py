"""A series of minutes that tests append to and import."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradedesk.core.bars import COLUMNS, Bars
from tradedesk.marketdata import store
from tradedesk.marketdata.appending import append_bars
from tradedesk.marketdata.library import load_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.series import SeriesKey, save_series

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
KEY = SeriesKey("csv", "ACME", "1Min")


def append(bars: Bars, key: SeriesKey = KEY, *, adjusted: bool = True, now: datetime = NOW) -> BarSeries:
    return append_bars(key, bars, adjusted=adjusted, now=now)


def import_all(bars: Bars) -> BarSeries:
    return save_series(KEY, bars, adjusted=True, stored=BarSeries.objects.filter(**KEY._asdict()).first(), now=NOW)


def stored_bars() -> Bars:
    return load_bars(None, "ACME", "1Min")


def same(one: Bars, other: Bars) -> bool:
    return store.fingerprint_of(one) == store.fingerprint_of(other)


def periods(series: BarSeries) -> list[tuple[str, int]]:
    return [(part.period, part.length) for part in series.parts]


def changed(bars: Bars, row: int) -> Bars:
    """The bars with another volume in one row."""
    volume = np.where(np.arange(len(bars)) == row, 1.0, bars.volume)
    return Bars(bars.time, bars.open, bars.high, bars.low, bars.close, volume)


def bars_columns(bars: Bars) -> list[NDArray[Any]]:
    return [getattr(bars, name) for name in COLUMNS]
