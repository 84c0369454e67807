"""manage.py halt_trading: stop the trading of a user or of all users, without the queue and the workers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from livetrading.models import BrokerAccount, Halt
from livetrading.pipeline.direct import finish
from livetrading.services.halt import COMMAND, RESUME, NotLifted, lift, request
from livetrading.services.wording import counted
from livetrading.summaries.halt import HaltState
from tradedesk.marketdata.clock import read_clocks


class Command(BaseCommand):
    help = "Stop the entries of a user's accounts; also cancel their entry orders, or sell everything they hold."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", nargs="?", default="", help="The email address of the user.")
        parser.add_argument("--all", action="store_true", help="The accounts of all users.")
        parser.add_argument("--orders", action="store_true", help="Also cancel the entry orders.")
        parser.add_argument(
            "--flatten", action="store_true", help="Also cancel the entry orders and sell all lots."
        )
        parser.add_argument("--reason", default="", help="Shown to the user.")
        parser.add_argument("--lift", action="store_true", help="Let the accounts trade again.")
        parser.add_argument("--confirm", default="", help=f"{RESUME}, to lift without being asked for it.")
        parser.add_argument("--timeout", type=float, default=60.0, help="Seconds to wait for the broker.")

    def handle(self, *, lift: bool, **options: Any) -> None:
        accounts = self._accounts(options["user"], everyone=options["all"], lift=lift)
        if lift:
            self._lift(accounts, options["confirm"])
        else:
            action = Halt.Action.FLATTEN if options["flatten"] else Halt.Action.ENTRIES
            if options["orders"] and not options["flatten"]:
                action = Halt.Action.ORDERS
            self._halt(accounts, action, options["reason"], options["timeout"])

    def _accounts(self, user: str, *, everyone: bool, lift: bool) -> list[BrokerAccount]:
        """A revoked account trades no more, so none is stopped; a halt of one can be lifted."""
        if bool(user) == everyone:
            raise CommandError("Name one user by the email address, or --all.")
        accounts = BrokerAccount.objects.select_related("user").order_by("pk")
        if not lift:
            accounts = accounts.filter(revoked_at=None)
        found = list(accounts if everyone else accounts.filter(user__email__iexact=user))
        if not found:
            raise CommandError("There is no account to stop." if everyone else f"{user} has no account.")
        return found

    def _halt(self, accounts: list[BrokerAccount], action: Halt.Action, reason: str, timeout: float) -> None:
        halts = []
        for account in accounts:
            now, wall_now = read_clocks()
            halt = request(account, action, by=COMMAND, reason=reason, now=now, wall_now=wall_now)
            self._say(halt)
            halts.append(halt)
        left = finish(
            [halt for halt in halts if halt.is_unfinished], read_clocks, seconds=timeout, report=self._say
        )
        if left:
            now = read_clocks()[0]
            waits = {_state(halt).waits_for(now) for halt in left} - {""}
            raise CommandError(
                f"{counted(len(left), 'account')} not finished after {timeout:g} s; a running desk goes on with "
                f"it. {' '.join(sorted(waits))}".strip()
            )

    def _lift(self, accounts: list[BrokerAccount], confirmation: str) -> None:
        word = confirmation or input(f"Type {RESUME} to let {counted(len(accounts), 'account')} trade again: ")
        for account in accounts:
            now, wall_now = read_clocks()
            try:
                lifted = lift(account, word, by=COMMAND, now=now, wall_now=wall_now)
            except NotLifted as refusal:
                raise CommandError(str(refusal)) from None
            self.stdout.write(f"{_name(account)}: {'trades again' if lifted else 'was not stopped'}.")

    def _say(self, halt: Halt) -> None:
        parts = ["entries are stopped"]
        parts += [progress] if (progress := _state(halt).progress) else []
        parts += [halt.error] if halt.error else []
        if halt.cancels and halt.seconds is not None:
            parts.append(f"finished after {halt.seconds:.1f} s")
        self.stdout.write(f"{_name(halt.account)}: {', '.join(parts)}.")


def _state(halt: Halt) -> HaltState:
    return HaltState(halt.account.mode, [halt.account], [halt])


def _name(account: BrokerAccount) -> str:
    return f"{account.user} · {account.name}"
