"""manage.py compile_kernels: compile the kernels before the first backtest runs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backtests.research.compilation import compile_all
from tradedesk.core import COMPILED, COMPILED_ALL
from tradedesk.lock import FileLock


class Command(BaseCommand):
    help = "Compile the kernels unless they are on disk. Without this command the first backtest takes longer."

    def handle(self, **options: Any) -> None:
        try:
            COMPILED.mkdir(parents=True, exist_ok=True)
            # When several start at the same time, only the first one compiles.
            with FileLock(COMPILED / ".lock", "", wait=True):
                if not COMPILED_ALL.exists():
                    compile_all()
                    COMPILED_ALL.touch()
        except OSError as error:
            raise CommandError(f"{COMPILED} cannot be written to: {error.strerror}.") from None
