"""manage.py reset_paper: archive the paper account of one user, and start it again."""

from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from livetrading.services.reset import COMMAND, NotReset, check_balance, planned_reset, reset_paper
from livetrading.services.wording import counted
from tradedesk.accounts.models import User
from tradedesk.marketdata.clock import market_clock


class Command(BaseCommand):
    help = "Stop a user's paper strategies, archive all that was traded on paper, and set the balance."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="The email address of the user.")
        parser.add_argument("--balance", help="Dollars of the new balance. Default: the starting cash.")
        parser.add_argument("--yes", action="store_true", help="Do not ask for confirmation.")

    def handle(self, *, user: str, balance: str | None, yes: bool, **options: Any) -> None:
        owner = User.objects.filter(email__iexact=user).first()
        if owner is None:
            raise CommandError(f"There is no user {user}.")
        try:
            amount = None if balance is None else Decimal(balance)
            if amount is not None:
                check_balance(amount)
            if not yes:
                plan = planned_reset(owner, amount)
                self.stdout.write(
                    f"This stops {counted(plan.running, 'paper strategy', 'paper strategies')} of {owner}, and "
                    f"archives {counted(plan.trades, 'trade')}, {counted(plan.positions, 'open position')} and "
                    f"{counted(plan.orders, 'working order')}. The new balance is ${plan.balance:,.2f}."
                )
                if input("Type “reset” to continue: ").strip() != "reset":
                    raise CommandError("Nothing was changed.")
            by = COMMAND.format("paper")
            done = reset_paper(owner, market_clock().now(), timezone.now(), by=by, balance=amount)
        except InvalidOperation:
            raise CommandError(f"{balance} is not an amount in dollars.") from None
        except NotReset as refusal:
            raise CommandError(str(refusal)) from None
        archived = counted(done.strategies, "paper deployment")
        self.stdout.write(
            f"The paper account of {owner} starts again with ${done.balance:,.2f}; {archived} archived."
        )
