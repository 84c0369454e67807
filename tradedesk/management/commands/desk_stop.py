"""manage.py desk-stop: stop the desk that runs on this data folder."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from tradedesk.running import CannotStop, Stop, stop


class Command(BaseCommand):
    help = "Stop the desk that runs on this data folder, wherever it was started. It goes on at the next start."

    def handle(self, **options: Any) -> None:
        try:
            done = stop()
        except (CannotStop, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            {
                Stop.NOT_RUNNING: f"No desk runs on {settings.DATA_DIR}.",
                Stop.STOPPED: "The desk is stopped.",
                Stop.KILLED: "The desk did not stop by itself and was killed. Nothing is lost by that.",
            }[done]
        )
