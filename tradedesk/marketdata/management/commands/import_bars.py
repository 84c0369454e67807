from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.services import FILE_PROVIDER, import_bars


class Command(BaseCommand):
    help = (
        "Import bars from a CSV or Parquet file with the columns time (or date), open, high, low, close, volume. "
        "Times without a zone are New York time. A file with one invalid row changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--symbol", required=True)
        parser.add_argument("--timeframe", default=Timeframe.DAY.value, help=f"one of {', '.join(Timeframe)}")
        parser.add_argument("--provider", default=FILE_PROVIDER)
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
            "--replace",
            action="store_true",
            help="bars of the file replace different stored bars of the same time; other stored bars stay",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        try:
            with path.open("rb") as file:
                imported = import_bars(
                    file,
                    symbol=options["symbol"],
                    timeframe=options["timeframe"],
                    provider=options["provider"],
                    adjusted=options["adjusted"],
                    replace=options["replace"],
                    now=timezone.now(),
                )
        except OSError as error:
            raise CommandError(f"{path} could not be read: {error.strerror}.") from error
        except ImportRefused as refusal:
            raise CommandError(f"{refusal} Nothing was imported.") from refusal
        self.stdout.write(str(imported))
