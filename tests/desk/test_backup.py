"""Backups: a consistent copy while the desk runs, and what the health says of the last one."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from tradedesk.backup import CannotBackUp, back_up
from tradedesk.monitoring.desk_parts import judge_backup
from tradedesk.monitoring.findings import State
from tradedesk.monitoring.models import LastBackup

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(tmp_path: Path, settings: Settings) -> Path:
    """The data folder of a desk on SQLite with one row and one file of bars."""
    folder = tmp_path / "data"
    (folder / "bars" / "AAPL").mkdir(parents=True)
    (folder / "bars" / "AAPL" / "first").write_bytes(b"bars")
    with closing(sqlite3.connect(folder / "desk.sqlite3")) as database, database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE money (cents INTEGER)")
        database.execute("INSERT INTO money VALUES (42)")
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "desk.sqlite3"}}
    settings.BARS_URL = (folder / "bars").as_uri()
    return folder


def rows(path: Path) -> list[int]:
    with sqlite3.connect(path) as database:
        return [cents for (cents,) in database.execute("SELECT cents FROM money")]


def test_the_copy_is_consistent_while_the_desk_writes(desk: Path, tmp_path: Path) -> None:
    writer = sqlite3.connect(desk / "desk.sqlite3")
    writer.execute("UPDATE money SET cents = 43")  # not committed
    made = back_up(tmp_path / "copies", NOW, keep=7)
    writer.commit()
    assert rows(made) == [42]
    assert made.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "copies" / "bars" / "AAPL" / "first").read_bytes() == b"bars"
    assert LastBackup.objects.get().at == NOW


def test_only_new_bars_are_copied_and_the_newest_copies_stay(desk: Path, tmp_path: Path) -> None:
    target = tmp_path / "copies"
    back_up(target, NOW, keep=2)
    first = target / "bars" / "AAPL" / "first"
    before = first.stat().st_mtime_ns
    (desk / "bars" / "AAPL" / "second").write_bytes(b"more")
    for hours in (1, 2, 3):
        back_up(target, NOW + timedelta(hours=hours), keep=2)
    assert first.stat().st_mtime_ns == before
    assert (target / "bars" / "AAPL" / "second").exists()
    assert sorted(each.name for each in target.glob("desk-*")) == [
        "desk-20260302-170000.sqlite3",
        "desk-20260302-180000.sqlite3",
    ]


def test_keys_are_not_copied(desk: Path, tmp_path: Path) -> None:
    (desk / "secret.key").write_text("x")
    back_up(tmp_path / "copies", NOW, keep=7)
    assert not list((tmp_path / "copies").rglob("*.key"))


def test_a_damaged_database_is_no_backup(desk: Path, tmp_path: Path) -> None:
    with (desk / "desk.sqlite3").open("r+b") as file:
        file.seek(0)
        file.write(b"x" * 4096)
    with pytest.raises(CommandError):
        call_command("backup", str(tmp_path / "copies"))
    assert not list((tmp_path / "copies").glob("desk-*.sqlite3"))
    assert not LastBackup.objects.exists()


def test_postgresql_is_backed_up_by_its_own_tool_and_noted(tmp_path: Path) -> None:
    with pytest.raises(CannotBackUp, match="pg_dump"):
        back_up(tmp_path, NOW, keep=7)
    call_command("backup", "--made")
    assert LastBackup.objects.count() == 1
    with pytest.raises(CommandError, match="--keep"):
        call_command("backup", "--keep", "0")


@pytest.mark.parametrize(
    ("days", "state"),
    [(None, State.NOTE), (0, State.OK), (7, State.OK), (7.1, State.WARNING), (-2, State.WARNING)],
)
def test_the_health_knows_the_last_backup(days: float | None, state: State) -> None:
    assert judge_backup(None if days is None else NOW - timedelta(days=days), NOW).state == state
