"""manage.py clear_trading_data: delete everything that one user has traded."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from livetrading.services.clearing import NotCleared, clear_trading_data, held_at_brokers, trading_data
from tradedesk.accounts.models import User


class Command(BaseCommand):
    help = "Delete a user's trading data, on paper and live. Refused while something is held at a broker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="The email address of the user.")
        parser.add_argument("--yes", action="store_true", help="Do not ask for confirmation.")

    def handle(self, *, user: str, yes: bool, **options: Any) -> None:
        owner = User.objects.filter(email__iexact=user).first()
        if owner is None:
            raise CommandError(f"There is no user {user}.")
        if problem := held_at_brokers(owner):
            raise CommandError(problem)
        if not yes:
            self.stdout.write(
                f"This deletes {trading_data(owner)} of {owner}, paper and live. It cannot be undone."
            )
            if input("Type “clear” to continue: ").strip() != "clear":
                raise CommandError("Nothing was deleted.")
        try:
            done = clear_trading_data(owner, timezone.now())
        except NotCleared as refusal:
            raise CommandError(str(refusal)) from None
        self.stdout.write(f"Deleted: {done} of {owner}.")
