"""manage.py reset_replay: restart the replay market with empty paper accounts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from livetrading.services.reset import reset_replay


class Command(BaseCommand):
    help = "Restart the replay market at REPLAY_START and reset every paper account to its starting cash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="Do not ask for confirmation.")

    def handle(self, *, yes: bool, **options: Any) -> None:
        if not yes:
            self.stdout.write("This deletes every paper trade, order, signal and paper deployment of all users.")
            if input("Type “reset” to continue: ").strip() != "reset":
                raise CommandError("Nothing was changed.")
        deleted = reset_replay(timezone.now())
        self.stdout.write(f"The replay was restarted; {deleted:,} paper deployments were deleted.")
