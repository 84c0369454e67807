"""The manifest of a backup: what was changed since is found, and what is no backup is refused."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tradedesk.backup.manifest import (
    KEYS,
    Manifest,
    NotABackup,
    StoredFile,
    problems,
    read_manifest,
    sha256_of,
)

BARS = "bars/csv/AAPL/1Day.all.0123456789abcdef.parquet"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    files = {}
    for path in ("desk.sqlite3", BARS, KEYS):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(path.encode())
        files[path] = StoredFile(sha256_of(tmp_path / path), len(path), 1)
    manifest = Manifest(
        version="0.1.0",
        made_at=datetime(2026, 3, 2, tzinfo=UTC),
        database="sqlite",
        bars=True,
        migrations=frozenset({("accounts", "0001_initial")}),
        files=files,
    )
    (tmp_path / "manifest.json").write_text(manifest.as_json())
    assert read_manifest(tmp_path) == manifest
    return tmp_path


def change(backup: Path, **values: Any) -> None:
    file = backup / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def found(backup: Path) -> list[str]:
    return list(problems(backup, read_manifest(backup)))


def test_a_backup_as_it_was_written_has_no_problems_also_without_its_keys(backup: Path) -> None:
    assert found(backup) == []
    (backup / KEYS).unlink()
    assert found(backup) == []


def test_a_missing_a_longer_and_a_changed_file_are_each_named(backup: Path) -> None:
    (backup / BARS).unlink()
    (backup / "desk.sqlite3").write_bytes(b"desk.sqlite4")
    (backup / KEYS).write_bytes(b"longer than before")
    assert [line.split()[0] for line in found(backup)] == [BARS, "desk.sqlite3", KEYS]


def test_a_link_in_the_place_of_a_file_is_a_problem(backup: Path) -> None:
    content = backup / "elsewhere"
    (backup / BARS).rename(content)
    (backup / BARS).symlink_to(content)
    assert found(backup) == [f"{BARS} is missing."]


@pytest.mark.parametrize(
    "values",
    [
        {"format": 2},
        {"format": "1"},
        {"database": "oracle"},
        {"files": {}},
        {"files": None},
        {"made_at": "yesterday"},
        {"files": {"desk.sqlite3": {"sha256": "", "size": 1}}},
        *(
            {"files": {name: {"sha256": "", "size": 1, "modified": 1} for name in ("desk.sqlite3", path)}}
            for path in ("../outside", "/etc/passwd", "bars/../../outside", "bars\\outside", "")
        ),
    ],
)
def test_what_is_no_manifest_of_this_version_is_refused(backup: Path, values: dict[str, Any]) -> None:
    change(backup, **values)
    with pytest.raises(NotABackup):
        read_manifest(backup)


def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(NotABackup):
        read_manifest(tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"\xff{")
    with pytest.raises(NotABackup):
        read_manifest(tmp_path)
