"""Making backups: consistent while the desk writes, whole or not at all, cheap when little has changed."""

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from pytest_django import Settings

from tests.backup.made_desk import KEYS, MadeDesk, bars_file, cents_in
from tradedesk.backup import AlreadyAtWork, CannotBackUp, make
from tradedesk.backup.files import Copier, folders
from tradedesk.backup.make import back_up, backups_in, surplus
from tradedesk.backup.restore import check
from tradedesk.lock import FileLock
from tradedesk.management.commands import backup as command
from tradedesk.monitoring.desk_parts import GIGABYTE
from tradedesk.monitoring.models import LastBackup

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> MadeDesk:
    monkeypatch.setattr(make, "record_backup", lambda wall_now: None)
    return MadeDesk(tmp_path / "data", settings)


def test_a_backup_has_what_was_committed_and_every_kind_of_file(desk: MadeDesk, tmp_path: Path) -> None:
    desk.write("bars", "uploads/1234")
    desk.write("bars", ".half-written")
    with closing(sqlite3.connect(desk.folder / "desk.sqlite3")) as writer:
        writer.execute("UPDATE money SET cents = 43")  # not committed
        made = back_up(tmp_path / "backups", NOW, keep=7)
        writer.commit()
    assert made.folder.name == "desk-20260302-150000"
    assert cents_in(made.folder / "desk.sqlite3") == 42
    assert set(made.manifest.files) == {
        "desk.sqlite3",
        f"bars/{bars_file('a')}",
        "research/optimizer/1/results.parquet",
        "strategies/mine.py",
    }
    assert check(made.folder) == made.manifest
    assert made.manifest.migrations == {("accounts", "0001_initial")}
    assert not made.manifest.missing
    others = [path for path in (tmp_path / "backups").rglob("*") if path.stat().st_mode & 0o077]
    assert others == []


def test_what_has_not_changed_is_a_link_and_the_newest_stay(desk: MadeDesk, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    first = back_up(target, NOW, keep=2)
    desk.write("research", "optimizer/1/results.parquet", b"other results")
    desk.write("bars", bars_file("b"))
    made = [back_up(target, NOW + timedelta(hours=hours), keep=2) for hours in (1, 2)]
    assert backups_in(target) == [each.folder for each in made]
    assert not first.folder.exists()
    for path in (f"bars/{bars_file('a')}", "research/optimizer/1/results.parquet"):
        assert os.path.samefile(made[0].folder / path, made[1].folder / path)
    assert (made[1].folder / "research/optimizer/1/results.parquet").read_bytes() == b"other results"
    assert made[1].new_bytes == (made[1].folder / "desk.sqlite3").stat().st_size
    assert check(made[1].folder) == made[1].manifest  # also without the one that it was linked to


def test_where_links_are_not_possible_files_are_copied(
    desk: MadeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    made = [back_up(tmp_path / "backups", NOW + timedelta(hours=hours), keep=7) for hours in (0, 1)]
    assert check(made[1].folder).files.keys() == made[0].manifest.files.keys()


def test_bars_that_are_replaced_meanwhile_are_those_that_the_database_names(
    desk: MadeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies, copy_all = 0, Copier.copy_all

    def while_bars_arrive(copier: Copier, sources: dict[str, Path]) -> None:
        nonlocal copies
        copies += 1
        if copies == 2:  # the database is copied, and names the file “b”
            desk.write("bars", bars_file("c"))
            desk.name_bars("c")
            (desk.folder / "bars" / bars_file("b")).unlink()
        copy_all(copier, sources)
        if copies == 1:
            desk.write("bars", bars_file("b"))
            desk.name_bars("b")

    monkeypatch.setattr(Copier, "copy_all", while_bars_arrive)
    made = back_up(tmp_path / "backups", NOW, keep=7)
    with closing(sqlite3.connect(made.folder / "desk.sqlite3")) as database:
        ((parts,),) = database.execute("SELECT part_rows FROM marketdata_barseries")
    assert "c" * 64 in parts
    assert f"bars/{bars_file('c')}" in made.manifest.files
    assert not made.manifest.missing


def test_bars_that_the_desk_itself_has_lost_are_named(desk: MadeDesk, tmp_path: Path) -> None:
    (desk.folder / "bars" / bars_file("a")).unlink()
    made = back_up(tmp_path / "backups", NOW, keep=7)
    assert made.manifest.missing == (bars_file("a"),)


def test_the_keys_are_in_a_backup_only_when_they_are_asked_for(desk: MadeDesk, tmp_path: Path) -> None:
    (desk.folder / "secret.key").write_text(KEYS["SECRET_KEY"])
    without = back_up(tmp_path / "backups", NOW, keep=7)
    assert not without.manifest.has_keys
    with_keys = back_up(tmp_path / "backups", NOW + timedelta(hours=1), keep=7, with_keys=True)
    having = {
        file for file in (tmp_path / "backups").rglob("*") if file.is_file() and b"planted" in file.read_bytes()
    }
    assert having == {with_keys.folder / "keys.env"}
    assert (with_keys.folder / "keys.env").read_text().splitlines() == [f"{k}={v}" for k, v in KEYS.items()]
    assert (with_keys.folder / "keys.env").stat().st_mode & 0o777 == 0o600


def test_a_backup_that_fails_has_no_name_and_its_rest_is_removed(
    desk: MadeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "backups"
    with monkeypatch.context() as broken:
        broken.setattr(Copier, "take", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            back_up(target, NOW, keep=7)
    assert backups_in(target) == []
    back_up(target, NOW, keep=7)
    assert [each.name for each in target.glob("*desk-*")] == ["desk-20260302-150000"]


def test_a_full_disk_is_left_as_it_was(desk: MadeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Copier, "copy_all", full)
    with pytest.raises(OSError, match="No space left"):
        back_up(tmp_path / "backups", NOW, keep=7)
    assert {each.name for each in (tmp_path / "backups").glob("*desk-*")} == set()


@pytest.mark.parametrize(
    ("free", "shared", "refused"), [(2, True, True), (3, True, False), (2, False, False), (0, False, True)]
)
def test_the_desk_keeps_room_to_write(
    desk: MadeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, shared: bool, refused: bool
) -> None:
    """free: gigabytes. The backup needs less than one."""
    other = type("Other", (), {"stat": lambda _: os.stat_result([0] * 10)})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free * GIGABYTE))
    if not shared:
        monkeypatch.setattr(make, "Path", lambda _: other())
    if not refused:
        back_up(tmp_path / "backups", NOW, keep=7)
        return
    with pytest.raises(CannotBackUp, match="room"):
        back_up(tmp_path / "backups", NOW, keep=7)
    assert not list((tmp_path / "backups").glob("*desk-*"))


def test_what_is_new_is_what_needs_room(desk: MadeDesk, tmp_path: Path) -> None:
    made = back_up(tmp_path / "backups", NOW, keep=7)
    copier = Copier(tmp_path / "next", made.folder, made.manifest.files)
    assert copier.new_size(folders()) == 0
    desk.write("bars", bars_file("b"), b"12345")
    assert copier.new_size(folders()) == 5


def _names(*moments: str) -> list[str]:
    return [f"desk-202603{moment}0000" for moment in moments]


@pytest.mark.parametrize(
    ("names", "made", "kept"),
    [
        # Some by hand in an hour leave the nights.
        (
            _names("01-06", "02-06", "03-06", "03-10", "03-11", "03-12"),
            "03-12",
            ("01-06", "02-06", "03-10", "03-11", "03-12"),
        ),
        (_names("01-06", "02-06", "03-06", "04-06"), "04-06", ("02-06", "03-06", "04-06")),
        # Those of a clock that was ahead go first, and never the one just made.
        (_names("02-06", "25-06", "26-06", "27-06"), "02-06", ("26-06", "27-06", "02-06")),
    ],
)
def test_which_backups_stay(names: list[str], made: str, kept: tuple[str, ...]) -> None:
    deleted = surplus(names, _names(made)[0], keep=3)
    assert [name for name in names if name not in deleted] == sorted(_names(*kept))


def test_only_one_backup_is_made_at_a_time(desk: MadeDesk, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    back_up(target, NOW, keep=7)
    with FileLock(target / ".lock", "another"), pytest.raises(AlreadyAtWork):
        back_up(target, NOW + timedelta(hours=1), keep=7)
    with pytest.raises(CannotBackUp, match="exists already"):
        back_up(target, NOW, keep=7)


@pytest.mark.django_db
@pytest.mark.parametrize("recorded", [True, False])
def test_a_damaged_database_is_no_backup(
    desk: MadeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: bool
) -> None:
    if not recorded:
        monkeypatch.setattr(command, "record_all", Mock(side_effect=DatabaseError))
        with pytest.raises(CommandError, match="No keys are copied"):
            call_command("backup", "--with-keys", "--to", str(tmp_path / "backups"))
    with (desk.folder / "desk.sqlite3").open("r+b") as file:
        file.write(b"x" * 4096)
    with pytest.raises(CommandError):
        call_command("backup", "--to", str(tmp_path / "backups"))
    assert backups_in(tmp_path / "backups") == []


@pytest.mark.django_db
def test_a_backup_is_noted_and_so_is_one_of_another_tool(tmp_path: Path, settings: Settings) -> None:
    MadeDesk(tmp_path / "data", settings)
    back_up(tmp_path / "backups", NOW, keep=7)
    assert LastBackup.objects.get().at == NOW
    call_command("backup", "--made")
    assert LastBackup.objects.get().at > NOW
    with pytest.raises(CommandError, match="--keep"):
        call_command("backup", "--keep", "0")
