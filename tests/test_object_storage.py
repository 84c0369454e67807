"""Django's storage in object storage, through pyarrow's own client of S3 and on a disk."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.base import ContentFile

from tests.object_server import ACCESS_KEY, SECRET, object_server
from tradedesk.object_storage import FolderStorage
from tradedesk.settings.environment import folder_storage


@pytest.fixture(params=["disk", "object store"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FolderStorage]:
    if request.param == "disk":
        yield FolderStorage(tmp_path.as_uri())
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with object_server() as server:
        yield FolderStorage(server.url("desk/research"))


def test_a_file_is_written_whole_replaced_read_at_any_place_and_deleted(storage: FolderStorage) -> None:
    large = os.urandom(12_000_000)  # more than one part of an upload
    assert not storage.exists("run/results")
    assert storage.listdir("run") == ([], [])
    storage.save("run/results", ContentFile(b"one"))
    assert storage.save("run/results", ContentFile(large)) == "run/results"
    assert (storage.exists("run/results"), storage.size("run/results")) == (True, len(large))
    assert storage.listdir("run") == ([], ["results"])
    assert storage.listdir("")[0] == ["run"]
    with storage.open("run/results") as file:
        file.seek(-1000, os.SEEK_END)
        assert file.read() == large[-1000:]
    storage.delete("run/results")
    storage.delete("run/results")
    assert not storage.exists("run/results")


def test_a_missing_file_is_an_error(storage: FolderStorage) -> None:
    with pytest.raises(FileNotFoundError):
        storage.open("run/results")
    with pytest.raises(FileNotFoundError):
        storage.size("run/results")


def test_a_folder_of_this_machine_keeps_the_storage_that_writes_atomically(tmp_path: Path) -> None:
    assert folder_storage(tmp_path.as_uri()) == {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path), "allow_overwrite": True},
    }
    assert folder_storage("s3://bucket/folder")["BACKEND"] == "tradedesk.object_storage.FolderStorage"
