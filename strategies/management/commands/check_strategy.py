"""manage.py check_strategy: prove the kinds of a file, and say what fails and at which bar."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from strategies.kinds import InvalidParameters, summary
from strategies.plugins import Refused, load_file, trials

LINE = "{:<8}{:<15}{:<15}{}"


class Command(BaseCommand):
    help = "Prove the strategy kinds of a Python file: no look-ahead, and enough warm-up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--parameters", nargs="*", metavar="NAME=VALUE", help="Left out: defaults and drawn ones."
        )

    def handle(self, *, file: Path, parameters: list[str] | None, **options: Any) -> None:
        try:
            found = load_file(file)
        except Refused as refusal:
            raise CommandError(f"{file.name}: {refusal}") from None
        except OSError as error:
            raise CommandError(f"{file.name} cannot be read: {error.strerror}.") from None
        failed = 0
        for kind in found:
            self.stdout.write(f"{kind.name} ({kind.key})")
            try:
                for trial in trials(kind, _values(parameters) if parameters else None):
                    verdict = "passed" if trial.found.passed else "FAILED"
                    failed += not trial.found.passed
                    words = ", ".join(summary(trial.parameters)) or "no parameters"
                    said = f"{words}: {trial.found.checked} cuts through {trial.found.bars:,} bars"
                    self.stdout.write(LINE.format(verdict, trial.check, trial.on, said))
                    if not trial.found.passed:
                        self.stdout.write(f"        {trial.found.message}")
            except InvalidParameters as refusal:
                raise CommandError(str(refusal)) from None
        if failed:
            self.stdout.write(f"{failed} checks failed: the desk will not use this file.")
            sys.exit(1)
        self.stdout.write("All checks passed.")


def _values(given: list[str]) -> dict[str, int | float]:
    values: dict[str, int | float] = {}
    for word in given:
        name, _, text = word.partition("=")
        try:
            number = float(text)
        except ValueError:
            raise CommandError(f"“{word}” is not NAME=NUMBER.") from None
        values[name] = int(number) if number.is_integer() and "." not in text else number
    return values
