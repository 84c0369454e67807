from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.import_files import ImportOptions, ReadFile, read_files
from tradedesk.marketdata.management.owner import add_owner, owner_of
from tradedesk.marketdata.quality import ACCEPTABLE
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.services import FILE_PROVIDER


class Command(BaseCommand):
    help = (
        "Import bars from files: CSV and other text, Excel (.xlsx), Parquet, JSON, ZIP, or all files of a folder. "
        "Times without a zone are New York time. A series with one bad row changes nothing; each series is a line "
        "of the result, and one that fails stops no other."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a file, a ZIP or a folder")
        parser.add_argument(
            "--symbol",
            default="",
            help="take the bars of this symbol, of a ZIP or a folder only from files that name it or no symbol; "
            "without it, all symbols that the files name in a column, in a title, or at the start of their name",
        )
        parser.add_argument("--timeframe", default=Timeframe.DAY.value, help=f"one of {', '.join(Timeframe)}")
        parser.add_argument("--provider", default=FILE_PROVIDER)
        add_owner(parser)
        prices = parser.add_mutually_exclusive_group()
        prices.add_argument(
            "--adjusted",
            action="store_true",
            default=True,
            help="prices are already adjusted for splits (default)",
        )
        prices.add_argument(
            "--unadjusted",
            action="store_false",
            dest="adjusted",
            help="prices are not adjusted; the column Adj Close adjusts them, if the file has one",
        )
        parser.add_argument(
            "--date-order",
            choices=["mdy", "dmy"],
            help="how to read 03/05/2023 where the file leaves it open: month or day first",
        )
        parser.add_argument(
            "--accept",
            action="extend",
            nargs="+",
            default=[],
            metavar="FINDING",
            help=f"store bars with this finding: {', '.join(ACCEPTABLE)}",
        )
        parser.add_argument(
            "--replace",
            action="store_true",
            help="bars of the file replace different stored bars of the same time; other stored bars stay",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        how = ImportOptions(
            symbol=options["symbol"],
            timeframe=options["timeframe"],
            adjusted=options["adjusted"],
            replace=options["replace"],
            date_order=options["date_order"],
            provider=options["provider"],
            owner_id=owner_of(options),
        )
        done, failed = 0, []
        for file in _files(options["paths"], how):
            if file.refusal:
                failed.append(f"{file.name}: {file.refusal}")
            for series in file.series:
                try:
                    imported = series.store(how, accept=options["accept"], now=timezone.now())
                except ImportRefused as refusal:
                    failed.append(f"{file.name}: {series.symbol}: {refusal}")
                else:
                    done += 1
                    self.stdout.write(str(imported))
        if not done and len(failed) == 1:
            raise CommandError(f"{failed[0]} Nothing was imported.")
        for line in failed:
            self.stderr.write(line)
        if failed:
            raise CommandError(f"Imported: {done:,} series. Not imported: {len(failed):,}, named above.")
        if not done:
            raise CommandError("There are no files to import.")


def _files(paths: list[Path], how: ImportOptions) -> Iterator[ReadFile]:
    """All files, those of a folder in the order of their names."""
    for path in paths:
        inside = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
        for file in inside:
            if file == path or not file.name.startswith("."):
                yield from _read(file, how, alone=len(inside) == 1)


def _read(path: Path, how: ImportOptions, *, alone: bool) -> Iterator[ReadFile]:
    try:
        with path.open("rb") as file:
            yield from read_files(file, path.name, how, alone=alone)
    except ImportRefused as refusal:
        yield ReadFile(path.name, [], refusal)
    except OSError as error:
        yield ReadFile(path.name, [], ImportRefused(f"It could not be read: {error.strerror}."))
