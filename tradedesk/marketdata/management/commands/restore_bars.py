from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from tradedesk.marketdata.management.owner import add_series, series_key
from tradedesk.marketdata.models import PreviousVersion
from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.undo import restore


class Command(BaseCommand):
    help = (
        "Restore a series as it was before its last import or deletion; run it again to undo that. "
        "Refused while the symbol is held or deployed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_series(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        version = PreviousVersion.objects.filter(**series_key(options)._asdict()).first()
        if version is None:
            raise CommandError("There is no previous version of this series.")
        try:
            series = restore(version, timezone.now())
        except ImportRefused as refusal:
            raise CommandError(f"{refusal} Nothing was changed.") from refusal
        self.stdout.write(f"{series}: restored, {series.count:,} bars.")
