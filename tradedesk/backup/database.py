"""A consistent copy of the database while the desk writes, and the way back. SQLite and PostgreSQL."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction
from psycopg import sql

from tradedesk.backup import AlreadyAtWork, CannotBackUp
from tradedesk.backup.manifest import DATABASES

# Runs a query on what was copied.
Query = Callable[[str], list[tuple[Any, ...]]]
# The number of PostgreSQL's advisory lock that a backup holds.
LOCK = 7_264_019_335
# One that hangs would hold the lock, and with it every later night.
SECONDS_TO_DUMP = 4 * 3600.0
# Not an option of libpq's programs.
_NOT_FOR_PROGRAMS = {"application_name", "client_encoding", "fallback_application_name", "replication"}


class CannotRestore(Exception):
    """The message says what to do instead. Nothing was changed, unless it says so."""


def kind() -> str:
    """A key of manifest.DATABASES."""
    return "sqlite" if "sqlite3" in settings.DATABASES["default"]["ENGINE"] else "postgresql"


def address() -> str:
    """Which database this is, without the password."""
    used = settings.DATABASES["default"]
    if kind() == "sqlite":
        return f"sqlite {Path(used['NAME']).resolve()}"
    return f"postgresql {used.get('HOST') or 'local'}:{used.get('PORT') or 5432}/{used.get('NAME')}"


def size() -> int:
    """The bytes that the database has on its disk."""
    if kind() == "postgresql":
        with closing(_connect()) as server:
            (found,) = server.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
            return int(found)
    file = Path(settings.DATABASES["default"]["NAME"])
    parts = (file, file.with_name(f"{file.name}-wal"))
    return sum(each.stat().st_size for each in parts if each.exists())


@contextmanager
def snapshots() -> Iterator[Callable[[Path, Callable[[Query], None]], None]]:
    """Gives the function that copies the database: `copy(target, look)` writes the file, and calls `look` with a
    way to query exactly what it has copied. No other process makes a backup of this server meanwhile.

    Raises CannotBackUp, and what SQLite and psycopg raise."""
    if kind() == "sqlite":
        yield _copy_sqlite
        return
    with closing(_connect()) as server:
        locked = server.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        if not locked or not locked[0]:
            raise AlreadyAtWork("Another backup of this database is being made.")
        yield lambda target, look: _dump(server, target, look)


def _copy_sqlite(target: Path, look: Callable[[Query], None]) -> None:
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o600))
    source = settings.DATABASES["default"]["NAME"]
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise CannotBackUp(
                f"The copy of the database is damaged ({verdict}). Check the disk and the database."
            )
        look(lambda query: copy.execute(query).fetchall())
        # One file: a copy in WAL mode would leave two others beside it.
        copy.execute("PRAGMA journal_mode=DELETE")


def _dump(server: "psycopg.Connection[Any]", target: Path, look: Callable[[Query], None]) -> None:
    """With pg_dump, in the snapshot of a transaction that `look` sees, too."""
    with server.transaction():
        server.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for (exported,) in server.execute("SELECT pg_export_snapshot()").fetchall():
            options = ("--format=custom", "--lock-wait-timeout=60s", f"--snapshot={exported}", f"--file={target}")
            run_program("pg_dump", server, *options, seconds=SECONDS_TO_DUMP)
        look(lambda query: server.execute(query.encode()).fetchall())
    with target.open("rb") as dumped:
        os.fsync(dumped.fileno())


def _connect() -> "psycopg.Connection[Any]":
    """A plain connection to the desk's database, apart from Django's own."""
    given = {**connection.get_connection_params(), "autocommit": True}
    return psycopg.connect(**{key: given[key] for key in given.keys() - {"cursor_factory", "context"}})


def run_program(
    name: str, server: "psycopg.Connection[Any]", *arguments: str, seconds: float | None = None
) -> None:
    """A program of PostgreSQL on the database of this connection, at most for so long. Raises CannotBackUp with
    what it said."""
    program = shutil.which(name)
    if program is None:
        raise CannotBackUp(
            f"{name} is missing. Install PostgreSQL's client programs, of the server's version or newer (Debian, "
            "Ubuntu: apt-get install postgresql-client), or make the backup with another tool and run: "
            "manage.py backup --made"
        )
    given = {key: value for key, value in server.info.get_parameters().items() if key not in _NOT_FOR_PROGRAMS}
    target = psycopg.conninfo.make_conninfo("", **given)
    try:
        finished = subprocess.run(  # noqa: S603 - a program of PostgreSQL
            [program, *arguments, f"--dbname={target}"],
            # Not among the arguments, which every user of the machine can read.
            env={**os.environ, "PGPASSWORD": server.info.password or ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise CannotBackUp(f"{name} was not ready after {seconds or 0:,.0f} s and was ended.") from None
    if finished.returncode:
        said = " ".join(finished.stderr.split())[:500] or f"exit code {finished.returncode}"
        raise CannotBackUp(f"{name} failed: {said}")


# --- The way back ----------------------------------------------------------------------------------------------


def has_rows(table: str) -> bool:
    """Whether this table of the desk's database exists and has a row."""
    if table not in connection.introspection.table_names():
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608 - a quoted name
        return cursor.fetchone() is not None


def load(backup: Path) -> None:
    """Put the copy of the database in this backup in the place of the desk's own, which is empty. Raises
    CannotRestore and OSError."""
    copy = backup / DATABASES[kind()]
    if kind() == "sqlite":
        _load_sqlite(copy, Path(connection.settings_dict["NAME"]))
    else:
        _load_postgresql(copy)


def _load_sqlite(copy: Path, database: Path) -> None:
    connection.close()
    unfinished = database.with_name(f"{database.name}.unfinished")
    shutil.copyfile(copy, unfinished)
    unfinished.chmod(0o600)
    with unfinished.open("rb") as written:
        os.fsync(written.fileno())
    for left in ("-wal", "-shm", "-journal"):
        database.with_name(f"{database.name}{left}").unlink(missing_ok=True)
    unfinished.replace(database)


def _load_postgresql(copy: Path) -> None:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    known: set[str] = {str(table) for table in tables}
    known |= {"django_migrations", str(settings.CACHES["database"]["LOCATION"])}
    with transaction.atomic(), connection.cursor() as cursor:
        for table in known & set(connection.introspection.table_names()):
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)} CASCADE")
    connection.close()
    with closing(_connect()) as server:
        try:
            options = ("--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges")
            run_program("pg_restore", server, *options, str(copy))
        except CannotBackUp as error:
            raise CannotRestore(f"{error} The database has no tables now.") from None
        with suppress(psycopg.Error):
            server.execute(sql.SQL("ANALYZE"))
