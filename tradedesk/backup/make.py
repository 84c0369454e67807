"""Making a backup while the desk runs.

The files are copied before the database and after it, because the desk deletes a file of bars when no row names it
any more. What the copy of the database names must be among them; otherwise the database is copied again.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.utils.module_loading import import_string

from tradedesk.backup import AlreadyAtWork, CannotBackUp, database
from tradedesk.backup.files import BARS, Copier, folders
from tradedesk.backup.keys import write_keys
from tradedesk.backup.manifest import DATABASES, KEYS, NAME, Manifest, Migration, NotABackup, read_manifest
from tradedesk.lock import FileLock, Locked
from tradedesk.monitoring.desk_parts import LITTLE_SPACE
from tradedesk.monitoring.last_backup import record_backup

FOLDER = "desk-{:%Y%m%d-%H%M%S}"
PATTERN = "desk-[0-9]*-[0-9]*"
DAY = len("desk-20260302")
TRIES = 5


@dataclass(frozen=True, slots=True)
class Backup:
    """new_bytes: what was not in the backup before it."""

    folder: Path
    manifest: Manifest
    new_bytes: int


def back_up(folder: Path, wall_now: datetime, *, keep: int, with_keys: bool = False) -> Backup:
    """Write a backup into this folder; `surplus` says which others stay.

    Raises CannotBackUp, sqlite3.Error, psycopg.Error and OSError. A backup that is not complete has another
    name, and none is left behind: on the disk of the desk it would take the room that orders need."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone_in(folder), database.snapshots() as copy_database:
        for left in folder.glob(".desk-*"):
            shutil.rmtree(left)
        made = folder / FOLDER.format(wall_now.astimezone(UTC))
        if made.exists():
            raise CannotBackUp(f"{made} exists already. Try again in a second.")
        unfinished = folder / f".{made.name}.unfinished"
        before = _newest(folder)
        known = before[1].files if before else {}
        copier = Copier(unfinished, before[0] if before else None, known)
        _require_room(folder, copier)
        unfinished.mkdir(mode=0o700)
        try:
            manifest = _write(copier, copy_database, wall_now, with_keys=with_keys)
            unfinished.rename(made)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        _keep_name(folder)
        for name in surplus((each.name for each in backups_in(folder)), made.name, keep):
            # It loses its name first, so that one that is deleted in part is no backup.
            (folder / name).rename(doomed := folder / f".{name}.old")
            shutil.rmtree(doomed)
    record_backup(wall_now)
    return Backup(made, manifest, copier.new_bytes)


def backups_in(folder: Path) -> list[Path]:
    """The complete backups in this folder, the oldest first."""
    return sorted(each for each in folder.glob(PATTERN) if (each / NAME).is_file())


def surplus(names: Iterable[str], made: str, keep: int) -> list[str]:
    """The backups to delete after the one that was just `made`. The `keep` newest stay, and the newest of each of
    the last `keep` days, so that some made by hand in an hour do not take the place of the nights. One with a
    later name than `made` is of a clock that was ahead: it is older. Pure."""
    ordered = sorted(names, key=lambda name: (name <= made, name))
    newest = {name[:DAY]: name for name in ordered}
    days = list(dict.fromkeys(name[:DAY] for name in reversed(ordered)))[:keep]
    kept = {*ordered[-keep:], *(newest[day] for day in days)}
    return [name for name in ordered if name not in kept]


def _require_room(folder: Path, copier: Copier) -> None:
    """Raises CannotBackUp when the backup has no room, or on the desk's own disk would leave the desk too little:
    a desk that cannot write sends no orders."""
    size = database.size()
    if (last := copier.known.get(DATABASES["postgresql"])) is not None:
        size = min(size, 2 * last.size)  # a dump is packed
    needed = size + copier.new_size(folders())
    left = shutil.disk_usage(folder).free - needed
    shared = folder.stat().st_dev == Path(settings.DATA_DIR).stat().st_dev
    if left < (LITTLE_SPACE if shared else 0):
        desk = f" beside the {LITTLE_SPACE / 1e9:.0f} GB for the desk, which is on the same disk" if shared else ""
        raise CannotBackUp(
            f"There is no room in {folder}: a backup needs up to {needed / 1e6:,.0f} MB{desk}. Make room, or set "
            "BACKUP_DIR to another disk."
        )


def _write(
    copier: Copier,
    copy_database: Callable[[Path, Callable[[database.Query], None]], None],
    wall_now: datetime,
    *,
    with_keys: bool,
) -> Manifest:
    sources = folders()
    name = DATABASES[kind := database.kind()]
    named: set[str] = set()
    migrations: set[Migration] = set()

    def look(query: database.Query) -> None:
        named.clear()
        migrations.clear()
        if BARS in sources:
            named.update(import_string("tradedesk.marketdata.named_files.named_files")(query))
        migrations.update((app, label) for app, label in query("SELECT app, name FROM django_migrations"))

    missing: set[str] = set()
    for _ in range(TRIES):
        copier.copy_all(sources)
        copy_database(copier.target / name, look)
        copier.copy_all(sources)
        # A file that is missing twice is not one that was just replaced: the desk itself does not have it.
        absent, missing = missing, {path for path in named if f"{BARS}/{path}" not in copier.files}
        if missing <= absent:
            break
    else:
        raise CannotBackUp("The bars change faster than they can be copied. Try again when fewer arrive.")
    copier.take(name, copier.target / name)
    if with_keys:
        write_keys(copier.target / KEYS)
        copier.take(KEYS, copier.target / KEYS)
    manifest = Manifest(
        version=settings.VERSION,
        made_at=wall_now,
        database=kind,
        bars=BARS in sources,
        migrations=frozenset(migrations),
        missing=tuple(missing),
        files=copier.files,
    )
    with (copier.target / NAME).open("w", encoding="utf-8") as file:
        file.write(manifest.as_json())
        file.flush()
        os.fsync(file.fileno())
    return manifest


def _newest(folder: Path) -> tuple[Path, Manifest] | None:
    """The last backup whose manifest can be read."""
    for made in reversed(backups_in(folder)):
        try:
            return made, read_manifest(made)
        except NotABackup:
            continue
    return None


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    try:
        with FileLock(folder / ".lock", f"process {os.getpid()}"):
            yield
    except Locked as holder:
        raise AlreadyAtWork(f"Another backup into {folder} is being made ({holder}).") from None


def _keep_name(folder: Path) -> None:
    """Wait until the new name is on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
