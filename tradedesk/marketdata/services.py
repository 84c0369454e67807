"""Importing bars: files of a trader, and the samples that come with the desk."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from django.conf import settings

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.bar_folder import file_exists
from tradedesk.marketdata.importing import Checked, check
from tradedesk.marketdata.limits import require_room
from tradedesk.marketdata.merging import Merged
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.quality import ACCEPTABLE, MESSAGES, Finding, findings_of
from tradedesk.marketdata.readers import DateOrder, FileSeries, choose, read_file
from tradedesk.marketdata.refusal import FindingsRefused, ImportRefused
from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars
from tradedesk.marketdata.series import ALPACA, SeriesKey, save_series
from tradedesk.marketdata.symbols import InvalidSymbol, clean_symbol

SAMPLE = "sample"
# The default provider of bars from a file.
FILE_PROVIDER = "csv"


@dataclass(frozen=True, slots=True)
class Imported:
    """The result of an import: the series after it, what the merge changed, the findings of the series, remarks on
    what was left out, and notes on how the file was understood."""

    series: BarSeries
    merged: Merged
    findings: list[Finding]
    remarks: list[Finding]
    notes: tuple[str, ...]

    @property
    def added(self) -> int:
        return self.merged.added

    @property
    def replaced(self) -> int:
        return len(self.merged.changed)

    def __str__(self) -> str:
        series, largest = self.series, self.merged.largest
        first, last = series.days
        prices = "split-adjusted" if series.adjusted else "not adjusted for splits"
        replaced = f"{self.replaced:,} replaced" + (f", {largest}" if largest else "")
        counted = f"{series.symbol} {series.timeframe}: {self.added:,} bars added, {replaced}."
        stored = f"{series.count:,} bars from {first} to {last}, {prices}."
        doubts = [*map(_remark, self.remarks), *(each.message for each in self.findings)]
        return " ".join([counted, stored, *doubts, *self.notes])


def import_providers() -> list[str]:
    """The providers that a file can be imported for: all except the samples and the feed."""
    return [provider for provider in settings.BAR_PROVIDERS if provider not in (SAMPLE, ALPACA)]


def import_key(symbol: str, timeframe: str, provider: str, owner_id: int | None) -> SeriesKey:
    """The series that bars are imported into. owner_id: the only user who sees it; None for one that all users
    see. Raises ImportRefused."""
    try:
        symbol = clean_symbol(symbol)
    except InvalidSymbol as error:
        raise ImportRefused(str(error), "symbol") from None
    if provider not in import_providers():
        raise ImportRefused(f"“{provider}” is not a provider. Use {' or '.join(import_providers())}.", "provider")
    return SeriesKey(provider, symbol, known_timeframe(timeframe).value, owner_id)


def import_series(
    found: FileSeries, key: SeriesKey, *, replace: bool, accept: Collection[str] = (), now: datetime
) -> Imported:
    """Add the bars of one symbol of a file to the store, all or nothing; the version before is kept.

    key: from import_key; a user's series have limits. replace: the bars may replace different stored bars of the
    same time; otherwise such bars are refused. accept: the names of hard findings that are right nevertheless.
    now: wall time. Raises FindingsRefused for hard findings that are not accepted, and ImportRefused for what
    cannot be.
    """
    checked = _checked(found, key, replace=replace, accept=accept, now=now)
    refused = [each for each in [*checked.remarks, *checked.findings] if each.is_open]
    if refused:
        raise FindingsRefused(refused)
    require_room(key, checked.stored, len(checked.merged.bars))
    series = save_series(
        key,
        checked.merged.bars,
        adjusted=checked.adjusted,
        stored=checked.stored,
        now=now,
        findings=checked.findings,
        undoable=True,
        action="bars_imported",
    )
    return Imported(series, checked.merged, checked.findings, checked.remarks, found.notes)


def preview_series(found: FileSeries, key: SeriesKey, *, replace: bool, now: datetime) -> list[Finding]:
    """What import_series would say about these bars, hard findings first; nothing is stored. Raises ImportRefused
    for what cannot be accepted."""
    checked = _checked(found, key, replace=replace, accept=(), now=now)
    remarked = {each.name for each in checked.remarks}
    kept = [each for each in checked.findings if each.name not in remarked]
    return sorted([*checked.remarks, *kept], key=lambda each: not each.hard)


def import_bars(
    file: BinaryIO,
    *,
    owner_id: int | None,
    name: str = "",
    symbol: str,
    timeframe: str,
    provider: str,
    adjusted: bool,
    replace: bool,
    accept: Collection[str] = (),
    date_order: DateOrder | None = None,
    now: datetime,
) -> Imported:
    """Add the bars of one symbol in a file to the store, all or nothing; see read_file and import_series. file:
    binary, seekable. Raises ImportRefused."""
    found = read_file(file, name, known_timeframe(timeframe), adjusted=adjusted, date_order=date_order)
    (_, series), *more = choose(found, symbol)
    if more:
        raise ImportRefused(f"The file has {symbol} in several places. Import these one after the other.")
    key = import_key(symbol, timeframe, provider, owner_id)
    return import_series(series, key, replace=replace, accept=accept, now=now)


def load_samples(now: datetime) -> list[str]:
    """Store the sample bars that are missing; returns their symbols. now: wall time."""
    stored = {series.symbol: series for series in BarSeries.objects.filter(provider=SAMPLE, owner=None)}
    loaded = []
    for symbol, fingerprint in FINGERPRINTS.items():
        series = stored.get(symbol)
        if series and series.fingerprint == fingerprint and all(map(file_exists, series.paths)):
            continue
        key = SeriesKey(SAMPLE, symbol, Timeframe.DAY.value)
        bars = sample_bars(symbol)
        found = findings_of(bars, key.timeframe, adjusted=True)
        save_series(key, bars, adjusted=True, stored=series, now=now, findings=found)
        loaded.append(symbol)
    return loaded


def _checked(
    found: FileSeries, key: SeriesKey, *, replace: bool, accept: Collection[str], now: datetime
) -> Checked:
    if unknown := [name for name in accept if name not in MESSAGES]:
        raise ImportRefused(f"“{unknown[0]}” is not a finding. Use one of {', '.join(ACCEPTABLE)}.", "accept")
    return check(found, key, replace=replace, accept=accept, now=now)


def known_timeframe(text: str) -> Timeframe:
    """Raises ImportRefused."""
    try:
        return Timeframe(text)
    except ValueError:
        known = ", ".join(Timeframe)
        raise ImportRefused(f"“{text}” is not a timeframe. Use one of {known}.", "timeframe") from None


def _remark(finding: Finding) -> str:
    if finding.name == "outside_session":
        return f"Left out: {finding.message} To keep them, import with --accept outside_session."
    return finding.message
