"""A consistent copy of the database and the bars, while the desk runs.

A copy of SQLite is made with its backup function and checked. The files of bars never change and are named after
their content, so only new ones are copied: once before the database, which then names no file that is gone, and
once after it. The keys are not copied: with them a stolen backup could be read.
"""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from django.conf import settings

from tradedesk.monitoring.models import LastBackup

NAME = "desk-{:%Y%m%d-%H%M%S}.sqlite3"


class CannotBackUp(Exception):
    """The message says what to do instead."""


def back_up(folder: Path, wall_now: datetime, *, keep: int) -> Path:
    """Write a backup into the folder and return the copy of the database; the `keep` newest copies stay.

    Raises CannotBackUp, sqlite3.Error and OSError; a copy that is not complete has another name."""
    database = settings.DATABASES["default"]
    if "sqlite3" not in database["ENGINE"]:
        raise CannotBackUp(
            "The database is PostgreSQL. Back it up with pg_dump --format=custom and copy the bars afterwards, "
            "then run: manage.py backup --made"
        )
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    bars = _bars_folder()
    if bars is not None:
        _copy_new(bars, folder / "bars")
    made = folder / NAME.format(wall_now)
    _copy_database(Path(database["NAME"]), made)
    if bars is not None:
        _copy_new(bars, folder / "bars")
    for old in sorted(folder.glob("desk-*.sqlite3"))[:-keep]:
        old.unlink()
    record_backup(wall_now)
    return made


def record_backup(wall_now: datetime) -> None:
    """A backup was made, by the desk or by another tool."""
    LastBackup.objects.update_or_create(pk=1, defaults={"at": wall_now})


def _copy_database(source: Path, target: Path) -> None:
    unfinished = target.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(unfinished)) as copy:
        original.backup(copy)
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise CannotBackUp(
                f"The copy of the database is damaged ({verdict}). Check the disk and the database."
            )
    unfinished.replace(target)


def _bars_folder() -> Path | None:
    """None for bars in object storage, which has its own versions and copies."""
    url = urlsplit(settings.BARS_URL)
    return Path(url2pathname(url.path)) if url.scheme == "file" else None


def _copy_new(source: Path, target: Path) -> None:
    for file in source.rglob("*"):
        copy = target / file.relative_to(source)
        if not file.is_file() or copy.exists():
            continue
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = copy.with_name(f".{copy.name}.unfinished")
        try:
            shutil.copyfile(file, unfinished)
        except FileNotFoundError:
            continue  # replaced in the meantime
        unfinished.replace(copy)
