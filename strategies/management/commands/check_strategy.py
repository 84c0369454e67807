"""manage.py check_strategy: run both checks on the strategy kinds of a file and print each result."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from strategies.kinds import InvalidParameters, parameter_texts
from strategies.plugins import InvalidPlugin, load_kinds, run_checks

LINE = "{:<8}{:<15}{:<13}{}"


class Command(BaseCommand):
    help = "Check the strategy kinds of a Python file for look-ahead and for a warm-up that is too short."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--parameters",
            nargs="*",
            metavar="NAME=VALUE",
            help="Without it: the defaults and some random combinations.",
        )

    def handle(self, *, file: Path, parameters: list[str] | None, **options: Any) -> None:
        try:
            found = load_kinds(file)
        except InvalidPlugin as error:
            raise CommandError(f"{file.name}: {error}") from None
        except OSError as error:
            raise CommandError(f"{file.name} cannot be read: {error.strerror}.") from None
        failed = 0
        for kind in found:
            self.stdout.write(f"{kind.name} ({kind.key})")
            try:
                for check in run_checks(kind, _parse_parameters(parameters) if parameters else None):
                    failed += not check.result.passed
                    status = "passed" if check.result.passed else "FAILED"
                    values = ", ".join(parameter_texts(kind, check.parameters)) or "no parameters"
                    count = f"{values}: {check.result.checked:,} test points, {check.result.bars:,} bars"
                    self.stdout.write(LINE.format(status, check.name, check.series, count))
                    if not check.result.passed:
                        self.stdout.write(f"        {check.result.message}")
            except InvalidParameters as error:
                raise CommandError(str(error)) from None
        if failed:
            failures = "1 check" if failed == 1 else f"{failed} checks"
            self.stdout.write(f"{failures} failed: the desk will reject this file.")
            sys.exit(1)
        self.stdout.write("All checks passed.")


def _parse_parameters(arguments: list[str]) -> dict[str, int | float | str]:
    """Numbers, and the words of choices, which the kind checks."""
    values: dict[str, int | float | str] = {}
    for argument in arguments:
        name, _, text = argument.partition("=")
        if not text:
            raise CommandError(f"“{argument}” must have the form NAME=VALUE.")
        try:
            number = float(text)
        except ValueError:
            values[name] = text
            continue
        values[name] = int(number) if number.is_integer() and "." not in text else number
    return values
