"""manage.py trade_totals: check the running totals of trades, or make them anew."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from livetrading.services.trade_totals import differences
from livetrading.services.wording import counted


class Command(BaseCommand):
    help = "Compare the totals that are kept of each strategy and account with their trades."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="Make those that differ anew.")

    def handle(self, *, rebuild: bool, **options: Any) -> None:
        found = list(differences(mend=rebuild))
        number = len(found)
        for difference in found:
            self.stdout.write(str(difference))
        if number and not rebuild:
            raise CommandError(f"{counted(number, 'total')} differ. --rebuild makes them anew.")
        self.stdout.write(f"{counted(number, 'total')} made anew." if number else "All totals agree.")
