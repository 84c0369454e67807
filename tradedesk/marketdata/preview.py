"""What the page shows of a file before it is stored: its series as they were understood."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tradedesk.core.bars import Bars, to_datetime
from tradedesk.marketdata import uploads
from tradedesk.marketdata.import_files import ImportOptions, NamedSeries, ReadFile
from tradedesk.marketdata.models import Upload
from tradedesk.marketdata.quality import Finding
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.services import Imported

# Of each series the first and the last bars are shown.
SHOWN = 3


class BarRow(NamedTuple):
    """time: of the bar, aware."""

    time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


@dataclass(frozen=True, slots=True, eq=False)
class SeriesPreview:
    """A series of a kept file. prefix: stands before the name of a finding that is accepted for it. refusal: why
    it cannot be stored, "" if it can."""

    symbol: str
    source: str
    count: int
    adjusted: bool
    notes: tuple[str, ...]
    first: list[BarRow]
    last: list[BarRow]
    prefix: str
    findings: list[Finding] = field(default_factory=list)
    refusal: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """refused: the files that cannot be read, each with the reason."""

    series: list[SeriesPreview]
    refused: list[tuple[str, str]]

    @property
    def storable(self) -> int:
        return sum(not series.refusal for series in self.series)


@dataclass(frozen=True, slots=True, eq=False)
class Confirmed:
    """The series that were stored, and the symbols that were not, each with the reason."""

    stored: list[Imported]
    refused: list[tuple[str, ImportRefused]]


def preview_of(upload: Upload, files: Sequence[ReadFile], *, now: datetime) -> Preview:
    """now: wall time."""
    options = uploads.options_of(upload)
    found = list(_series(files))
    return Preview(
        series=[_preview(series, prefix, options, now=now) for series, prefix in found],
        refused=[(file.name, str(file.refusal)) for file in files if file.refusal],
    )


def confirm(upload: Upload, files: Sequence[ReadFile], accepted: Collection[str], *, now: datetime) -> Confirmed:
    """Store each series of a kept file, and delete the file when all of them are stored.

    accepted: names of findings, with the prefix of their series. now: wall time.
    """
    options, confirmed = uploads.options_of(upload), Confirmed([], [])
    for series, prefix in _series(files):
        accept = [name.removeprefix(prefix) for name in accepted if name.startswith(prefix)]
        try:
            confirmed.stored.append(series.store(options, accept=accept, now=now))
        except ImportRefused as refusal:
            confirmed.refused.append((series.symbol, refusal))
    if not confirmed.refused:
        uploads.discard(upload)
    return confirmed


def _series(files: Sequence[ReadFile]) -> Iterator[tuple[NamedSeries, str]]:
    """Each series with its prefix, which is empty if there is only one."""
    found = [series for file in files for series in file.series]
    return ((series, f"{series.symbol}:" if len(found) > 1 else "") for series in found)


def _preview(series: NamedSeries, prefix: str, options: ImportOptions, *, now: datetime) -> SeriesPreview:
    bars, findings, refusal = series.found.bars, [], ""
    try:
        findings = series.findings(options, now=now)
    except ImportRefused as error:
        refusal = str(error)
    return SeriesPreview(
        symbol=series.symbol,
        source=series.found.source,
        count=len(bars),
        adjusted=series.found.adjusted,
        notes=series.found.notes,
        first=_rows(bars[:SHOWN]),
        last=_rows(bars[max(SHOWN, len(bars) - SHOWN) :]),
        prefix=prefix,
        findings=findings,
        refusal=refusal,
    )


def _rows(bars: Bars) -> list[BarRow]:
    columns = zip(*(column.tolist() for column in bars.values()), strict=True)
    return [BarRow(to_datetime(time), *row) for time, row in zip(bars.time, columns, strict=True)]
