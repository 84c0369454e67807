"""Importing what a trader has: a file, or every file of a ZIP, each series by itself."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.quality import Finding
from tradedesk.marketdata.readers import Budget, DateOrder, FileSeries, choose, read_file
from tradedesk.marketdata.readers.archives import count_members, is_zip_of_files, members
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.series import SeriesKey
from tradedesk.marketdata.services import (
    FILE_PROVIDER,
    Imported,
    import_key,
    import_series,
    known_timeframe,
    preview_series,
)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read and store files. symbol: "" for all that the files name. See read_file and import_series."""

    symbol: str = ""
    timeframe: str = Timeframe.DAY.value
    adjusted: bool = True
    replace: bool = False
    date_order: DateOrder | None = None
    provider: str = FILE_PROVIDER
    # The only user who sees the series; None for all users.
    owner_id: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class NamedSeries:
    """A series of a file, and the symbol under which it is stored."""

    symbol: str
    found: FileSeries

    def key(self, options: ImportOptions) -> SeriesKey:
        """See services.import_key."""
        return import_key(self.symbol, options.timeframe, options.provider, options.owner_id)

    def store(self, options: ImportOptions, *, accept: Collection[str], now: datetime) -> Imported:
        """See services.import_series."""
        return import_series(self.found, self.key(options), replace=options.replace, accept=accept, now=now)

    def findings(self, options: ImportOptions, *, now: datetime) -> list[Finding]:
        """See services.preview_series."""
        return preview_series(self.found, self.key(options), replace=options.replace, now=now)


@dataclass(frozen=True, slots=True, eq=False)
class ReadFile:
    """A file and its series, or why it is refused."""

    name: str
    series: list[NamedSeries]
    refusal: ImportRefused | None = None


def read_files(
    file: BinaryIO, name: str, options: ImportOptions, *, limit: int | None = None, alone: bool = True
) -> Iterator[ReadFile]:
    """The series of the file, or of each file of a ZIP one after the other: a bad one stops no other.

    limit: bytes that may be unpacked. alone: it is not one of the files of a folder; see choose. Raises
    ImportRefused if a ZIP cannot be read at all.
    """
    budget = Budget(limit)
    if not is_zip_of_files(file):
        yield _read(file, name, options, budget, alone=alone)
        return
    alone = alone and count_members(file) == 1
    for member, content in members(file, budget):
        if isinstance(content, ImportRefused):
            yield ReadFile(member, [], content)
        else:
            yield _read(content, member, options, budget, alone=alone)


def _read(file: BinaryIO, name: str, options: ImportOptions, budget: Budget, *, alone: bool) -> ReadFile:
    try:
        found = read_file(
            file,
            name,
            known_timeframe(options.timeframe),
            adjusted=options.adjusted,
            date_order=options.date_order,
            budget=budget,
        )
        return ReadFile(name, [NamedSeries(*chosen) for chosen in choose(found, options.symbol, alone=alone)])
    except ImportRefused as refusal:
        return ReadFile(name, [], refusal)
