"""manage.py desk-status: whether a desk runs on this data folder, and how it is."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tradedesk.background import look
from tradedesk.running import Running, find

# As services have it: 0 runs, 1 is unhealthy, 3 does not run.
ILL, NOT_RUNNING = 1, 3


class Command(BaseCommand):
    help = (
        "Say whether a desk runs on this data folder, and how it is. Exit code 0: it runs, 1: it is unhealthy, "
        "3: it does not run."
    )

    def handle(self, **options: Any) -> None:
        try:
            found = find()
        except OSError as error:
            raise CommandError(str(error)) from None
        if found is None:
            self.stdout.write(f"No desk runs on {settings.DATA_DIR}.")
            sys.exit(NOT_RUNNING)
        if not (isinstance(found, Running) and found.is_desk):
            self.stdout.write(f"{settings.DATA_DIR} is in use: {found}.")
            sys.exit(ILL)
        self.stdout.write(f"The desk runs: {found}")
        health = look(found.what)
        if health is None:
            self.stdout.write("It does not answer. It may still be starting.")
            sys.exit(ILL)
        self.stdout.write(f"Health: {health.status}")
        for part, text in health.ill.items():
            self.stdout.write(f"  {part}: {text}")
        if health.status == "down":
            sys.exit(ILL)
