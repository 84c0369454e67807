from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tradedesk.marketdata.refusal import ImportRefused
from tradedesk.marketdata.services import load_samples


class Command(BaseCommand):
    help = "Store the sample bars that come with the desk, unless they are already stored."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            loaded = load_samples(timezone.now())
        except ImportRefused as refusal:
            raise CommandError(str(refusal)) from refusal
        if options["verbosity"]:
            self.stdout.write(
                f"Loaded sample bars: {', '.join(loaded)}." if loaded else "The sample bars are already loaded."
            )
