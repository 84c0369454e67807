"""manage.py backup: a copy of the database and the bars while the desk runs."""

import sqlite3
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tradedesk.backup import CannotBackUp, back_up, record_backup


class Command(BaseCommand):
    help = "Copy the database (SQLite) and the bars into a folder. The desk may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path, default=settings.DATA_DIR / "backups")
        parser.add_argument("--keep", type=int, default=7, help="the number of copies of the database that stay")
        parser.add_argument("--made", action="store_true", help="only note that another tool has made a backup")

    def handle(self, *, folder: Path, keep: int, made: bool, **options: Any) -> None:
        if keep < 1:
            raise CommandError("--keep must be 1 or more.")
        if made:
            record_backup(timezone.now())
            return
        try:
            copy = back_up(folder, timezone.now(), keep=keep)
        except (CannotBackUp, OSError, sqlite3.Error) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"Written: {copy}")
