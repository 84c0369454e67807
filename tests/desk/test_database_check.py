"""A desk does not start on a database of a newer version, nor on a damaged one, and says what to do."""

import sqlite3
import sys
from pathlib import Path

import pytest
from django.db.migrations.recorder import MigrationRecorder

from tests.processes.process import Process, free_port
from tradedesk import database_check
from tradedesk.beat import DeskScheduler
from tradedesk.celery import app, refuse_newer_database
from tradedesk.database_check import READING, UnusableDatabase, refuse_damaged, refuse_for_command, refuse_newer


@pytest.fixture
def newer(db: None) -> None:
    MigrationRecorder.Migration.objects.create(app="livetrading", name="9999_later")


@pytest.mark.django_db
def test_a_database_of_this_version_is_used() -> None:
    refuse_newer()
    refuse_for_command(["manage.py", "desk"])


@pytest.mark.parametrize(
    "command", ["desk", "web", "migrate", "setup_desk", "halt_trading", "reset_paper", "shell"]
)
def test_commands_that_write_refuse_a_newer_database(newer: None, command: str) -> None:
    with pytest.raises(SystemExit, match=r"livetrading 9999_later.*version 0\.1\.0"):
        refuse_for_command(["manage.py", command])


@pytest.mark.parametrize("arguments", [[command] for command in sorted(READING)] + [[], ["desk", "--help"]])
def test_commands_that_read_are_run(newer: None, arguments: list[str]) -> None:
    refuse_for_command(["manage.py", *arguments])


def test_workers_and_beat_refuse_it(newer: None) -> None:
    for start in (refuse_newer_database, lambda: DeskScheduler(app=app)):
        with pytest.raises(SystemExit, match="9999_later"):
            start()


def test_without_a_reachable_database_the_command_says_so_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def away() -> set[tuple[str, str]]:
        raise OperationalError("connection refused")

    monkeypatch.setattr(database_check, "foreign_migrations", away)
    refuse_newer()


# --- A damaged file --------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database of SQLite with some pages."""
    path = tmp_path / "desk.sqlite3"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, text TEXT)")
        database.execute("CREATE INDEX by_text ON orders (text)")
        database.executemany("INSERT INTO orders (text) VALUES (?)", [(f"order {n} " * 20,) for n in range(500)])
    database.close()
    return path


def damage(file: Path, page: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(page * 4096)
        opened.write(b"\xa5" * 4096)


def look(file: Path) -> None:
    refuse_damaged({"ENGINE": "django_prometheus.db.backends.sqlite3", "NAME": str(file)})


def test_a_whole_file_and_a_missing_one_are_used(file: Path) -> None:
    look(file)
    file.unlink()
    look(file)
    file.touch()
    look(file)


@pytest.mark.parametrize("page", [0, 1, 5, 20])
def test_a_damaged_page_is_refused(file: Path, page: int) -> None:
    damage(file, page)
    with pytest.raises(UnusableDatabase, match=r"damaged.*newest backup"):
        look(file)


def test_a_file_that_was_cut_off_is_refused(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)
    with pytest.raises(UnusableDatabase, match="damaged"):
        look(file)


# --- The desk as a process -------------------------------------------------------------------------------------


@pytest.mark.processes
def test_the_desk_ends_with_the_reason_and_changes_nothing(tmp_path: Path, file: Path) -> None:
    given = {"DESK_DATA_DIR": str(tmp_path), "PORT": str(free_port())}
    with sqlite3.connect(file) as opened:
        opened.execute("PRAGMA journal_mode=WAL")
        opened.execute("CREATE TABLE django_migrations (id INTEGER, app TEXT, name TEXT, applied TEXT)")
        opened.execute("INSERT INTO django_migrations VALUES (1, 'accounts', '9999_later', '2030-01-01')")
    opened.close()
    before = file.read_bytes()
    with Process([sys.executable, "manage.py", "desk"], tmp_path / "newer.log", given) as desk:
        assert desk.end() == 1
    assert "accounts 9999_later" in desk.output()
    assert "Traceback" not in desk.output()
    assert file.read_bytes() == before
    damage(file, 20)
    with sqlite3.connect(file) as opened:
        opened.execute("DELETE FROM django_migrations")
    opened.close()
    with Process([sys.executable, "manage.py", "desk"], tmp_path / "damaged.log", given) as desk:
        assert desk.end() == 1
    assert "is damaged" in desk.output()
    assert "Traceback" not in desk.output()
