"""Refuse to start on a database that this version must not use: one of a newer version, one that is restored in
part, or a damaged file.

Code of an older version does not know what a newer one has added, such as a new state of an order; and what is
written to a damaged file may be lost, or damage more of it.
"""

import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import DatabaseError

from tradedesk.monitoring.damage import file_of, find_damage
from tradedesk.monitoring.schema import foreign_migrations, named

# Commands that do not write to the desk's records; `help` and `version` are handled by Django.
READING = {
    "backup",
    "check",
    "check_strategy",
    "collectstatic",
    "compile_kernels",
    "dbshell",
    "desk_status",
    "desk_stop",
    "diffsettings",
    "help",
    "makemigrations",
    "showmigrations",
    "test",
    "verify_audit",
    "version",
}
# It refuses a database that is not empty by itself, and goes on where another restore has ended too early.
RESTORE = "restore"


class UnusableDatabase(Exception):
    """The message says what to do."""


def refuse_for_command(arguments: list[str]) -> None:
    """Refuse a database of a newer version, or one that is restored in part, for a command that may write.
    arguments: of manage.py, with its name. Exits with the reason."""
    if not arguments[1:] or arguments[1] in {*READING, RESTORE} or {"-h", "--help", "--version"} & set(arguments):
        return
    django.setup()
    try:
        refuse_half_restored()
        refuse_newer()
    except UnusableDatabase as refusal:
        sys.exit(str(refusal))


def restore_mark() -> Path:
    """The file that exists from the beginning of a restore to its end. Its lines: the backup, then the database
    and the folders that are overwritten."""
    return Path(settings.DATA_DIR) / "restore.unfinished"


def refuse_half_restored() -> None:
    """Raises UnusableDatabase when a restore into this desk has begun and not ended."""
    if (mark := restore_mark()).exists():
        backup, *targets = mark.read_text().splitlines() or [""]
        into = "; ".join(targets) or settings.DATA_DIR
        raise UnusableDatabase(
            f"A restore into {into} did not end, so nothing there is complete. Run it again, with the same "
            f"DATABASE_URL and BARS_URL: DESK_DATA_DIR={settings.DATA_DIR} manage.py restore {backup}"
        )


def refuse_newer() -> None:
    """Raises UnusableDatabase when a newer version has changed the tables. One query."""
    try:
        foreign = foreign_migrations()
    except DatabaseError:
        return  # it is not reachable, or has no tables yet
    if foreign:
        raise UnusableDatabase(
            f"A newer version of the desk has changed this database ({named(foreign)}), and version "
            f"{settings.VERSION} must not write to it. Start the newer version, or go back to a backup that was "
            "made before (docs/operating.md)."
        )


def refuse_damaged(database: Mapping[str, Any]) -> None:
    """Raises UnusableDatabase when the database, as Django's settings describe it, is a damaged file of SQLite."""
    if (file := file_of(database)) is None:
        return
    try:
        damage = find_damage(file)
    except sqlite3.OperationalError as error:
        raise UnusableDatabase(f"The database {file} cannot be opened: {error}.") from error
    if damage:
        raise UnusableDatabase(
            f"The database {file} is damaged ({damage}), so the desk does not write to it. Move it "
            "away with its -wal and -shm files, and put the newest backup in its place (docs/operating.md)."
        )
