"""manage.py reset_replay: the replay market from its beginning, with fresh paper accounts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from livetrading.services.reset import reset_replay


class Command(BaseCommand):
    help = "Put the replay market back to REPLAY_START and every paper account back to its starting cash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *, yes: bool, **options: Any) -> None:
        if not yes:
            self.stdout.write("This deletes every paper trade, order, signal and paper deployment of all users.")
            if input("Type “reset” to go on: ").strip() != "reset":
                raise CommandError("Nothing was changed.")
        deleted = reset_replay(timezone.now())
        self.stdout.write(f"The replay starts over; {deleted} paper deployments were removed.")
