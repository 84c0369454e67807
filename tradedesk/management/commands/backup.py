"""manage.py backup: a copy of the whole desk while it runs."""

import sqlite3
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from tradedesk.audit.services import Entry, record_all
from tradedesk.backup import CannotBackUp
from tradedesk.backup.make import back_up
from tradedesk.backup.manifest import NotABackup
from tradedesk.backup.restore import check
from tradedesk.monitoring.last_backup import record_backup


class Command(BaseCommand):
    help = "Copy the database, the bars, the results of research and the plugins. The desk may run meanwhile."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", type=Path, default=settings.BACKUP_DIR, help="the folder of the backups")
        parser.add_argument(
            "--keep",
            type=int,
            default=settings.BACKUP_KEEP,
            help="so many backups stay, and the last one of as many days",
        )
        parser.add_argument(
            "--with-keys", action="store_true", help="also copy the keys: the backup can then be read by anyone"
        )
        parser.add_argument("--check", type=Path, metavar="BACKUP", help="only verify the checksums of a backup")
        parser.add_argument("--made", action="store_true", help="only note that another tool has made a backup")

    def handle(self, *, to: Path, keep: int, with_keys: bool, check: Path | None, made: bool, **_: Any) -> None:
        if keep < 1:
            raise CommandError("--keep must be 1 or more.")
        if made:
            record_backup(timezone.now())
        elif check is not None:
            self.check_backup(check)
        else:
            self.back_up(to, keep, with_keys=with_keys)

    def back_up(self, folder: Path, keep: int, *, with_keys: bool) -> None:
        folder, now = folder.expanduser().resolve(), timezone.now()
        self.record(folder, now, with_keys=with_keys)
        try:
            backup = back_up(folder, now, keep=keep, with_keys=with_keys)
        except (CannotBackUp, OSError, DatabaseError, sqlite3.Error, psycopg.Error) as error:
            raise CommandError(str(error)) from None
        manifest = backup.manifest
        self.stdout.write(
            f"Written: {backup.folder} ({len(manifest.files):,} files, {_megabytes(manifest.size)}; "
            f"{_megabytes(backup.new_bytes)} of them new)"
        )
        if manifest.missing:
            self.stdout.write(
                f"The desk itself lacks {len(manifest.missing):,} of its files of bars. Import these again."
            )
        if with_keys:
            self.stdout.write("The keys are in it (keys.env): whoever has this folder can read every secret.")
        else:
            self.stdout.write(
                "The keys are not in it. To restore it, secret.key and encryption.key of the data folder are "
                "needed (or SECRET_KEY and ENCRYPTION_KEY of the environment), and your .env: keep them apart."
            )

    def record(self, folder: Path, now: datetime, *, with_keys: bool) -> None:
        """First, so that it is in the backup too. A database that cannot be written is backed up without it, but
        the keys are not copied."""
        try:
            record_all([Entry(None, "backup", None, {"folder": str(folder), "keys": with_keys})], now)
        except DatabaseError as error:
            if with_keys:
                raise CommandError(f"No keys are copied, because it cannot be recorded: {error}") from None
            self.stderr.write(f"The backup cannot be recorded: {error}")

    def check_backup(self, folder: Path) -> None:
        try:
            manifest = check(folder)
        except (NotABackup, OSError) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(
            f"{folder} is complete: {len(manifest.files):,} files, {_megabytes(manifest.size)}, "
            f"of {manifest.made_at:%Y-%m-%d %H:%M} UTC, version {manifest.version}."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
