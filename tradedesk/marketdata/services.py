"""Importing bars: files of a trader, and the samples that come with the desk."""

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from django.conf import settings

from tradedesk.core.bars import Bars, Timeframe, session_dates
from tradedesk.marketdata import store
from tradedesk.marketdata.bar_folder import file_exists
from tradedesk.marketdata.merging import Merged, merge_bars
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.parts import join
from tradedesk.marketdata.readers import FileBars, read_bars
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars
from tradedesk.marketdata.series import SeriesKey, read_parts, save_series
from tradedesk.marketdata.sessions import is_session
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

SAMPLE = "sample"
# The default provider of bars from a file.
FILE_PROVIDER = "csv"


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: the series after it, the numbers of added and of replaced bars, and the number of
    rows of a daily file on days without a session."""

    series: BarSeries
    added: int
    replaced: int
    off_session: int

    def __str__(self) -> str:
        series = self.series
        prices = "split-adjusted" if series.adjusted else "not adjusted for splits"
        text = (
            f"{series.symbol} {series.timeframe}: {self.added:,} bars added, {self.replaced:,} replaced. "
            f"{series.count:,} bars from {series.first:%Y-%m-%d} to {series.last:%Y-%m-%d}, {prices}."
        )
        if self.off_session:
            text += f" Rows on days without a NYSE session: {self.off_session:,}. Check the dates."
        return text


def import_providers() -> list[str]:
    """The providers that a file can be imported for: all except the samples."""
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

    adjusted: the prices are already adjusted for splits. If not, the adjusted close of the file adjusts them;
    without that column they are stored as unadjusted. replace: bars of the file may replace different stored bars
    of the same time; otherwise such bars are refused. file: binary, seekable. now: wall time. Raises
    ImportRefused.
    """
    try:
        symbol = clean_symbol(symbol)
    except InvalidSymbol as error:
        raise ImportRefused(str(error), "symbol") from None
    if timeframe not in list(Timeframe):
        raise ImportRefused(f"“{timeframe}” is not a timeframe. Use one of {', '.join(Timeframe)}.", "timeframe")
    if provider not in import_providers():
        raise ImportRefused(f"“{provider}” is not a provider. Use {' or '.join(import_providers())}.", "provider")
    new = read_bars(file, Timeframe(timeframe), adjusted=adjusted)
    key = SeriesKey(provider, symbol, timeframe)
    stored = BarSeries.objects.filter(**key._asdict()).first()
    merged = _merged(stored, new, replace=replace)
    series = save_series(key, merged.bars, adjusted=new.adjusted, stored=stored, now=now)
    off_session = int((~is_session(session_dates(new.bars.time))).sum()) if timeframe == Timeframe.DAY else 0
    return Imported(series, merged.added, len(merged.changed), off_session)


def load_samples(now: datetime) -> list[str]:
    """Store the sample bars that are missing; returns their symbols. now: wall time."""
    stored = {series.symbol: series for series in BarSeries.objects.filter(provider=SAMPLE)}
    loaded = []
    for symbol, fingerprint in FINGERPRINTS.items():
        series = stored.get(symbol)
        if series and series.fingerprint == fingerprint and all(map(file_exists, series.paths)):
            continue
        key = SeriesKey(SAMPLE, symbol, Timeframe.DAY.value)
        save_series(key, sample_bars(symbol), adjusted=True, stored=series, now=now)
        loaded.append(symbol)
    return loaded


def _merged(stored: BarSeries | None, new: FileBars, *, replace: bool) -> Merged:
    if stored is None:
        return Merged(new.bars, len(new.bars), new.bars.time[:0])
    pieces = _stored_pieces(stored)
    merged = merge_bars(join(pieces), new.bars) if pieces else Merged(new.bars, len(new.bars), new.bars.time[:0])
    if len(pieces) < len(stored.parts) and len(merged.bars) < stored.count and not replace:
        raise ImportRefused(
            f"Files of {stored.symbol} are missing in the bar store: {stored.count:,} bars were stored from "
            f"{stored.first:%Y-%m-%d} to {stored.last:%Y-%m-%d}. Import a file with the missing bars, or go on "
            "without them: import with replace (--replace).",
            "replace",
        )
    if stored.adjusted != new.adjusted and len(merged.bars) != len(new.bars):
        stored_is, file_is = ("", "not ") if stored.adjusted else ("not ", "")
        raise ImportRefused(
            f"The stored bars are {stored_is}adjusted for splits, the bars of the file are {file_is}adjusted. "
            "Together they would show false price jumps. "
            f"Import a file with all bars from {stored.first:%Y-%m-%d} to {stored.last:%Y-%m-%d}.",
            "adjusted",
        )
    if len(merged.changed) and not replace:
        raise ImportRefused(
            f"{len(merged.changed):,} bars of the file differ from stored bars of the same time, first on "
            f"{str(merged.changed[0])[:10]}. To replace the stored bars, import with replace (--replace).",
            "replace",
        )
    return merged


def _stored_pieces(series: BarSeries) -> list[Bars]:
    """The bars of each part of a series, without the parts whose files were deleted."""
    pieces = []
    for part in series.parts:
        try:
            pieces += read_parts(series, [part])
        except FileNotFoundError:
            continue
        except store.DamagedBars as error:
            raise ImportRefused(str(error)) from error
    return pieces
