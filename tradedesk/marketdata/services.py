"""Bars in: what a trader imports, and the samples that come with the desk."""

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from django.conf import settings

from tradedesk.core.bars import Bars, Timeframe, session_dates
from tradedesk.marketdata import store
from tradedesk.marketdata.merging import Merged, merge
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.readers import FileBars, read_bars
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars
from tradedesk.marketdata.series import SeriesKey, keep
from tradedesk.marketdata.sessions import is_session
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

SAMPLE = "sample"
# Bars from a file, where nothing else is said.
FILE_PROVIDER = "csv"


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: the series as it is now, bars that are new, bars that took the place of different ones,
    and how many rows of a daily file fall on days without a session."""

    series: BarSeries
    added: int
    replaced: int
    off_session: int

    def __str__(self) -> str:
        series = self.series
        prices = "split-adjusted" if series.adjusted else "not adjusted for splits"
        text = (
            f"{series.symbol} {series.timeframe}: {self.added:,} bars added, {self.replaced:,} replaced. "
            f"Now {series.count:,} bars from {series.first:%Y-%m-%d} to {series.last:%Y-%m-%d}, {prices}."
        )
        if self.off_session:
            text += f" Rows on days without a session of the NYSE: {self.off_session:,}. Check the dates."
        return text


def import_providers() -> list[str]:
    """The providers that a file can be imported for: all that are read, but for the samples."""
    return [provider for provider in settings.BAR_PROVIDERS if provider != SAMPLE]


def import_bars(
    file: BinaryIO,
    *,
    symbol: str,
    timeframe: str,
    provider: str,
    adjusted: bool,
    replace: bool,
    now: datetime,
) -> Imported:
    """Add a CSV or Parquet file's bars to the store, all or nothing.

    adjusted: the prices are adjusted for splits already. If not, they are adjusted here by the file's adjusted
    close, and kept as unadjusted when it has none. Bars at times that are stored already must be the same, unless
    `replace`: then the file's take their place. file: binary, seekable. now: wall time. Raises ImportRefused.
    """
    try:
        symbol = clean_symbol(symbol)
    except InvalidSymbol as error:
        raise ImportRefused(str(error), "symbol") from None
    if timeframe not in list(Timeframe):
        raise ImportRefused(f"“{timeframe}” is no timeframe. Use one of {', '.join(Timeframe)}.", "timeframe")
    if provider not in import_providers():
        raise ImportRefused(f"“{provider}” is no provider. Use {' or '.join(import_providers())}.", "provider")
    new = read_bars(file, Timeframe(timeframe), adjusted=adjusted)
    key = SeriesKey(provider, symbol, timeframe)
    present = BarSeries.objects.filter(**key._asdict()).first()
    merged = _merged(present, new, replace=replace)
    series = keep(key, merged.bars, adjusted=new.adjusted, present=present, now=now)
    off_session = int((~is_session(session_dates(new.bars.time))).sum()) if timeframe == Timeframe.DAY else 0
    return Imported(series, merged.added, len(merged.changed), off_session)


def load_samples(now: datetime) -> list[str]:
    """Put the sample bars into the store where they are missing; returns the symbols that were. now: wall time."""
    present = {series.symbol: series for series in BarSeries.objects.filter(provider=SAMPLE)}
    loaded = []
    for symbol, fingerprint in FINGERPRINTS.items():
        series = present.get(symbol)
        if series and series.fingerprint == fingerprint and store.exists(series.path):
            continue
        key = SeriesKey(SAMPLE, symbol, Timeframe.DAY.value)
        keep(key, sample_bars(symbol), adjusted=True, present=series, now=now)
        loaded.append(symbol)
    return loaded


def _merged(present: BarSeries | None, new: FileBars, *, replace: bool) -> Merged:
    stored = _stored(present) if present else None
    if present is None or stored is None:
        return Merged(new.bars, len(new.bars), new.bars.time[:0])
    merged = merge(stored, new.bars)
    if present.adjusted != new.adjusted and len(merged.bars) != len(new.bars):
        there, here = ("split-adjusted", "not") if present.adjusted else ("not split-adjusted", "adjusted")
        raise ImportRefused(
            f"The stored bars are {there}, these are {here}: together they would show jumps that never were. "
            f"Import a file that covers {present.first:%Y-%m-%d} to {present.last:%Y-%m-%d} whole.",
            "adjusted",
        )
    if len(merged.changed) and not replace:
        raise ImportRefused(
            f"{len(merged.changed):,} bars of the file differ from those stored for the same time, first on "
            f"{str(merged.changed[0])[:10]}. Import it with replace (--replace) to let its bars take their place.",
            "replace",
        )
    return merged


def _stored(series: BarSeries) -> Bars | None:
    """The bars of a series; None when its file was deleted."""
    try:
        return store.read(series.path, series.fingerprint)
    except FileNotFoundError:
        return None
    except store.DamagedBars as error:
        raise ImportRefused(str(error)) from error
