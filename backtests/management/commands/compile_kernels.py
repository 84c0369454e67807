"""manage.py compile_kernels: compile what backtests run, ahead of the first of them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backtests.research.compilation import compile_all
from tradedesk.core import COMPILED, COMPILED_ALL
from tradedesk.lock import FileLock


class Command(BaseCommand):
    help = "Compile what backtests run, unless it lies on disk. Without it the first backtest takes longer."

    def handle(self, **options: Any) -> None:
        try:
            COMPILED.mkdir(parents=True, exist_ok=True)
            # Of several that start at once the first one compiles.
            with FileLock(COMPILED / ".lock", "", wait=True):
                if not COMPILED_ALL.exists():
                    compile_all()
                    COMPILED_ALL.touch()
        except OSError as error:
            raise CommandError(f"{COMPILED} cannot be written to: {error.strerror}.") from None
