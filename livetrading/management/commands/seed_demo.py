"""manage.py seed_demo: create the demo user with five strategies, or close that user."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from livetrading.services.demo import EMAIL, close_demo, seed_demo
from tradedesk.marketdata.clock import market_clock


class Command(BaseCommand):
    help = "Create the demo user with five strategies, unless the user exists; with --off nobody can log in as it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--off", action="store_true", help="deactivate the demo user and stop its strategies; its records stay"
        )

    def handle(self, *, verbosity: int, off: bool, **options: Any) -> None:
        if off:
            closed = close_demo(market_clock().now(), timezone.now())
            if verbosity:
                self.stdout.write(f"{EMAIL} is closed." if closed else f"{EMAIL} does not exist or is closed.")
            return
        user = seed_demo()
        if verbosity:
            self.stdout.write(f"{user.email} is ready, with {user.strategies.count()} strategies.")
