"""manage.py restore: a new desk from a backup."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from tradedesk.backup.database import CannotRestore
from tradedesk.backup.manifest import NotABackup
from tradedesk.backup.restore import restore
from tradedesk.lock import Locked
from tradedesk.running import Running


class Command(BaseCommand):
    help = "Restore a backup into an empty desk, which must not run meanwhile."
    # The database has no tables yet.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("backup", type=Path, help="the folder of one backup, with its manifest.json")

    def handle(self, *, backup: Path, **options: Any) -> None:
        try:
            restored = restore(backup.expanduser().resolve(), timezone.now)
        except Locked as holder:
            user = Running.read(str(holder)) or holder
            raise CommandError(f"{settings.DATA_DIR} is in use ({user}). Stop the desk first.") from None
        except (CannotRestore, NotABackup, OSError) as error:
            raise CommandError(str(error)) from None
        manifest = restored.manifest
        self.stdout.write(
            f"Restored: the desk of {manifest.made_at:%Y-%m-%d %H:%M} UTC, {len(manifest.files):,} files. What "
            "happened since then is not in it."
        )
        if restored.halted:
            self.stdout.write(
                f"{restored.halted:,} account(s) at brokers buy and sell nothing: orders may have been filled "
                "since the backup. Start the desk, compare each account with its broker, and let it trade again "
                "with “manage.py halt_trading USER --lift”."
            )
        for note in restored.notes:
            self.stdout.write(note)
