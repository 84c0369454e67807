"""manage.py seed_demo: create the demo user with five strategies."""

from typing import Any

from django.core.management.base import BaseCommand

from livetrading.services.demo import seed_demo


class Command(BaseCommand):
    help = "Create the demo user with five strategies, unless the user exists."

    def handle(self, *, verbosity: int, **options: Any) -> None:
        user = seed_demo()
        if verbosity:
            self.stdout.write(f"{user.email} is ready, with {user.strategies.count()} strategies.")
