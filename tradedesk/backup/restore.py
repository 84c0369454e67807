"""A new desk from a backup. It begins only in an empty desk, so nothing that anybody has is overwritten.

A mark in the data folder says that a restore has begun and not ended, and into which database and folders:
meanwhile every command and process refuses this desk, and another restore into the same ones starts over.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.utils.module_loading import import_string

from tradedesk.audit.services import Entry, record_all
from tradedesk.backup import database
from tradedesk.backup.database import CannotRestore
from tradedesk.backup.files import BARS, files_below, folders
from tradedesk.backup.keys import restore_keys
from tradedesk.backup.manifest import KEYS, Manifest, NotABackup, problems, read_manifest
from tradedesk.database_check import restore_mark
from tradedesk.keyring import renew_all
from tradedesk.monitoring.schema import known_migrations, missing_migrations, named
from tradedesk.running import Running, lock_desk


@dataclass(frozen=True, slots=True)
class Restored:
    """halted: the accounts at brokers whose entries are stopped. notes: sentences about what is not as it was."""

    manifest: Manifest
    halted: int
    notes: tuple[str, ...]


def restore(folder: Path, wall_clock: Callable[[], datetime]) -> Restored:
    """Raises CannotRestore, NotABackup, Locked and OSError."""
    manifest = check(folder)
    refuse_other(manifest)
    with lock_desk(Running.this_process("manage.py restore")):
        refuse_used(folder)
        mark = restore_mark()
        mark.write_text("\n".join([str(folder), *targets()]))
        _copy_files(folder, manifest)
        restore_keys(folder / KEYS)
        database.load(folder)
        if missing_migrations():
            call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        halted = import_string("livetrading.services.restored.hold_back")(manifest.made_at, wall_clock())
        details = {"made_at": manifest.made_at, "version": manifest.version, "halted": halted}
        record_all([Entry(None, "restore", None, details)], wall_clock())
        notes = tuple(_notes(folder, manifest))
        os.sync()
        mark.unlink()
    return Restored(manifest, halted, notes)


def check(folder: Path) -> Manifest:
    """The manifest of a backup whose files are all as they were written. Raises NotABackup."""
    manifest = read_manifest(folder)
    found = list(islice(problems(folder, manifest), 4))
    if found:
        raise NotABackup(f"The backup {folder} is damaged: {' '.join(found[:3])}" + (" …" if found[3:] else ""))
    return manifest


def refuse_other(manifest: Manifest) -> None:
    """Raises CannotRestore for a backup of a newer version, or of the other kind of database."""
    latest: dict[str, str] = {}
    for app, name in known_migrations():
        latest[app] = max(name, latest.get(app, ""))
    if newer := {(app, name) for app, name in manifest.migrations if name > latest.get(app, name)}:
        raise CannotRestore(
            f"Version {manifest.version} of the desk has made this backup, and this version {settings.VERSION} "
            f"does not know {named(newer)}. Restore it with that version, or a newer one."
        )
    if manifest.database != database.kind():
        here, there = ("PostgreSQL", "SQLite") if database.kind() == "postgresql" else ("SQLite", "PostgreSQL")
        raise CannotRestore(
            f"The backup is of a desk on {there}, and this desk is on {here}. Change DATABASE_URL; a backup does "
            "not change the kind of its database."
        )


def targets() -> list[str]:
    """What a restore overwrites, a line for each: the database, and the folders of files."""
    lines = [database.address()]
    lines += [f"{name} {folder.resolve()}" for name, folder in folders().items()]
    return lines


def refuse_used(folder: Path) -> None:
    """Raises CannotRestore for a desk that has anything to lose. What a restore that did not end has left is
    nothing to lose, and only in the very database and folders that it wrote to."""
    begun = restore_mark().read_text().splitlines()[1:] if restore_mark().exists() else []
    if begun == targets():
        return
    has = []
    if database.has_rows("accounts_user"):
        has.append("users")
    sources = folders()
    if database.has_rows("marketdata_barseries") or (BARS in sources and any(files_below(sources[BARS]))):
        has.append("bars")
    if "research" in sources and any(files_below(sources["research"])):
        has.append("results of research")
    for name in ("strategies", "media"):
        for file in files_below(sources[name]):
            other = folder / name / file.relative_to(sources[name])
            if not other.is_file() or other.read_bytes() != file.read_bytes():
                has.append(f"the file {file}")
                break
    if has and begun:
        raise CannotRestore(
            f"This desk has {', '.join(has)}, and the restore that did not end was into others: "
            f"{'; '.join(begun)}. Run it again with the same DATABASE_URL and BARS_URL, or with a new "
            "DESK_DATA_DIR and an empty database."
        )
    if has:
        raise CannotRestore(
            f"This desk has {', '.join(has)} already, and a backup is restored into an empty desk only. Set "
            "DESK_DATA_DIR to a new folder (and DATABASE_URL to an empty database), and run it before the first "
            "start of the desk."
        )


def _copy_files(folder: Path, manifest: Manifest) -> None:
    sources = folders()
    for name in (BARS, "research"):
        if name in sources and sources[name].exists():
            for file in files_below(sources[name]):
                file.unlink()  # of a restore that did not end
    for path in manifest.files:
        name, *rest = PurePosixPath(path).parts
        if not rest:
            continue  # the database and the keys
        if name not in sources:
            raise CannotRestore(
                f"The backup has {name}, and this desk has no folder for it: see BARS_URL and RESEARCH_URL."
            )
        target = sources[name].joinpath(*rest)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(folder / path, target)
        target.chmod(0o600)


def _notes(folder: Path, manifest: Manifest) -> list[str]:
    notes = []
    if not secrets_are_readable():
        notes.append(
            "The encryption key of the backup is missing, so its secrets cannot be read: the addresses of "
            "notification channels, the keys of broker accounts and the second factors of log-ins. Put the key "
            "back (encryption.key in the data folder, or ENCRYPTION_KEY) before the first start, or everybody has "
            "to enter these secrets again, and an operator removes the second factors in the admin."
        )
    if not (folder / KEYS).is_file():
        notes.append(
            "The keys were not in the backup. Without the former secret.key (or SECRET_KEY) everybody has to log "
            "in again; nothing else depends on it."
        )
    if not manifest.bars:
        notes.append(
            "The bars are not in the backup: they lie in object storage. Set BARS_URL to it, or to a copy "
            "while the other desk is in use: two desks on one bucket delete each other's bars."
        )
    if manifest.missing:
        notes.append(
            f"The desk did not have {len(manifest.missing):,} of its files of bars. Import these again; those of "
            "Alpaca are downloaded again by themselves."
        )
    return notes


def secrets_are_readable() -> bool:
    """Whether the keys of this desk read every secret in its database."""
    with transaction.atomic():
        renewed = renew_all()
        transaction.set_rollback(True)
    return not renewed.unreadable
