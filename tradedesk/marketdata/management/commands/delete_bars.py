from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tradedesk.marketdata.management.owner import add_series, series_key
from tradedesk.marketdata.models import BarSeries
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.undo import delete_range


class Command(BaseCommand):
    help = (
        "Delete a series, or its bars from one day to another. restore_bars brings the version before back. "
        "Refused while the symbol is held or deployed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_series(parser)
        parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="DAY", help="2012-03-05")
        parser.add_argument(
            "--to", dest="last", type=date.fromisoformat, metavar="DAY", help="the day is included"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        series = BarSeries.objects.filter(**series_key(options)._asdict()).first()
        if series is None:
            raise CommandError("There is no such series.")
        try:
            deleted = delete_range(series, options["first"], options["last"], timezone.now())
        except ImportRefused as refusal:
            raise CommandError(f"{refusal} Nothing was deleted.") from refusal
        self.stdout.write(f"{series}: {deleted:,} bars deleted. To undo this: manage.py restore_bars")
