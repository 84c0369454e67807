"""The steps before the desk serves pages; none is repeated without need."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from tradedesk import preparation
from tradedesk.preparation import NotBuilt, collect_static_files, migrations_are_missing


@pytest.mark.django_db
def test_a_migrated_database_needs_no_migration() -> None:
    assert not migrations_are_missing()


@pytest.mark.django_db
def test_a_missing_migration_is_found() -> None:
    MigrationRecorder.Migration.objects.filter(app="accounts", name="0001_initial").delete()

    assert migrations_are_missing()


@pytest.fixture
def front_end(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A front end of one file. The list has one entry for each time it was collected."""
    (tmp_path / "static").mkdir()
    (tmp_path / "static" / "desk.css").write_text("a {}")
    settings.STATICFILES_DIRS = [tmp_path / "static"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path / "collected"
    collected: list[str] = []

    def record_call(name: str, **options: Any) -> Any:
        collected.append(name)
        return call_command(name, **options)

    monkeypatch.setattr(preparation, "call_command", record_call)
    return collected


def test_static_files_are_collected_once(front_end: list[str], tmp_path: Path) -> None:
    collect_static_files()
    collect_static_files()

    assert front_end == ["collectstatic"]
    assert (tmp_path / "collected" / "desk.css").read_text() == "a {}"


def test_static_files_are_collected_again_after_a_change(front_end: list[str], tmp_path: Path) -> None:
    collect_static_files()
    (tmp_path / "static" / "desk.css").write_text("b { color: red }")
    collect_static_files()

    assert (tmp_path / "collected" / "desk.css").read_text() == "b { color: red }"


def test_a_front_end_that_is_not_built_is_refused(tmp_path: Path, settings: Settings) -> None:
    settings.STATICFILES_DIRS = [tmp_path / "missing"]
    settings.STATIC_ROOT = tmp_path / "collected"

    with pytest.raises(NotBuilt, match="make desk"):
        collect_static_files()
