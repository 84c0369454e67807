"""The folder of the bars on a disk and in a stand-in for object storage."""

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.marketdata.object_storage import ObjectStorage
from tradedesk.marketdata import bar_folder
from tradedesk.marketdata.bar_folder import (
    delete_file,
    file_exists,
    files_in,
    read_file,
    write_file,
)
from tradedesk.object_storage import Folder


@pytest.fixture
def objects(monkeypatch: pytest.MonkeyPatch) -> ObjectStorage:
    storage = ObjectStorage()
    monkeypatch.setattr(bar_folder, "bar_folder", lambda: Folder(storage.filesystem(), "bucket/bars"))
    return storage


@pytest.fixture(params=["disk", "object storage"])
def _folder(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("bar_store" if request.param == "disk" else "objects")


@pytest.mark.usefixtures("_folder")
class TestAnyFolder:
    def test_a_written_file_can_be_read_replaced_and_deleted(self) -> None:
        assert not file_exists("csv/AAPL/x")
        write_file("csv/AAPL/x", b"one")
        assert file_exists("csv/AAPL/x")
        write_file("csv/AAPL/x", b"two")
        assert read_file("csv/AAPL/x") == b"two"
        delete_file("csv/AAPL/x")
        assert not file_exists("csv/AAPL/x")
        delete_file("csv/AAPL/x")

    def test_a_missing_file_is_an_error(self) -> None:
        with pytest.raises(FileNotFoundError):
            read_file("csv/AAPL/x")

    def test_the_files_of_a_folder_have_the_times_of_their_last_change(self) -> None:
        assert list(files_in("csv/AAPL")) == []
        for path in ("csv/AAPL/x", "csv/AAPL/y", "csv/MSFT/z", "csv/AAPL/deeper/z"):
            write_file(path, b"bars")
        found = sorted(files_in("csv/AAPL"))
        assert [file.path for file in found] == ["csv/AAPL/x", "csv/AAPL/y"]
        assert all(abs(file.modified - datetime.now(UTC)) < timedelta(minutes=1) for file in found)


def test_a_url_of_this_machine_is_its_folder(settings: Settings, tmp_path: Path) -> None:
    settings.BARS_URL = (tmp_path / "some bars").as_uri() + "/"
    write_file("csv/AAPL/x", b"bars")
    assert (tmp_path / "some bars" / "csv" / "AAPL" / "x").read_bytes() == b"bars"


def test_a_url_of_object_storage_is_a_bucket_and_a_folder(settings: Settings) -> None:
    settings.BARS_URL = (
        "s3://key:secret@bucket/desk/bars?region=eu-west-1&endpoint_override=127.0.0.1:9&scheme=http"
    )
    filesystem, root = bar_folder.bar_folder()
    assert (filesystem.type_name, filesystem.region, root) == ("s3", "eu-west-1", "bucket/desk/bars")


def test_an_upload_that_fails_leaves_the_old_object(objects: ObjectStorage) -> None:
    def fail() -> None:
        raise OSError("The network is down.")

    write_file("csv/AAPL/x", b"one")
    objects.fails = fail
    with pytest.raises(OSError, match="The network is down"):
        write_file("csv/AAPL/x", b"two")
    assert read_file("csv/AAPL/x") == b"one"


def test_on_a_disk_the_content_and_the_name_are_kept_before_the_call_returns(
    bar_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    fsync = os.fsync

    def record(descriptor: int) -> None:
        kept.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    write_file("csv/AAPL/x.parquet", b"bars")
    assert kept == ["file", "folder"]
