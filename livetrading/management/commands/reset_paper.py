"""manage.py reset_paper: empty the paper account of one user."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from livetrading.services.reset import reset_paper
from tradedesk.accounts.models import User


class Command(BaseCommand):
    help = "Empty a user's paper account: no trades, orders, signals and deployments, and its starting cash."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="The email address of the user.")
        parser.add_argument("--yes", action="store_true", help="Do not ask for confirmation.")

    def handle(self, *, user: str, yes: bool, **options: Any) -> None:
        owner = User.objects.filter(email__iexact=user).first()
        if owner is None:
            raise CommandError(f"There is no user {user}.")
        if not yes:
            self.stdout.write(f"This deletes every paper trade, order, signal and paper deployment of {owner}.")
            if input("Type “reset” to continue: ").strip() != "reset":
                raise CommandError("Nothing was changed.")
        deleted = reset_paper(owner, timezone.now())
        self.stdout.write(f"The paper account of {owner} is empty; {deleted:,} paper deployments were deleted.")
