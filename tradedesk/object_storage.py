"""Folders on a disk or in object storage by their URL, through pyarrow.fs, and Django's storage on one of them.

An object appears when it is complete; nothing here renames or appends, because object storage can do neither.
"""

import io
import posixpath
from functools import cache
from typing import Any, NamedTuple

import pyarrow.fs
from django.core.files.base import File
from django.core.files.storage import Storage
from django.utils.deconstruct import deconstructible
from pyarrow.fs import FileSelector, FileType

COPY_BYTES = 1 << 20


class Folder(NamedTuple):
    """A pyarrow file system, and the path of the folder in it."""

    filesystem: pyarrow.fs.FileSystem
    root: str


@cache
def open_folder(url: str) -> Folder:
    """The folder that a URL names, such as file:///srv/bars or s3://bucket/folder?region=us-east-1."""
    filesystem, path = pyarrow.fs.FileSystem.from_uri(url)
    return Folder(filesystem, path.rstrip("/"))


@deconstructible
class FolderStorage(Storage):
    """Django's storage in the folder that `url` names. A file of the same name is replaced."""

    def __init__(self, url: str) -> None:
        self.url_of_folder = url

    def exists(self, name: str) -> bool:
        return self._info(name) is not None

    def size(self, name: str) -> int:
        """Raises FileNotFoundError."""
        if (info := self._info(name)) is None:
            raise FileNotFoundError(name)
        return int(info.size)

    def delete(self, name: str) -> None:
        filesystem, path = self._place(name)
        try:
            filesystem.delete_file(path)
        except FileNotFoundError:
            return

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """The names of the folders and of the files in a folder; none if it does not exist."""
        filesystem, place = self._place(path)
        found = filesystem.get_file_info(FileSelector(place, allow_not_found=True))
        return (
            [each.base_name for each in found if each.type == FileType.Directory],
            [each.base_name for each in found if each.type == FileType.File],
        )

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _open(self, name: str, mode: str = "rb") -> "File[bytes]":
        """For reading, at any position. Raises FileNotFoundError."""
        filesystem, path = self._place(name)
        return File(io.BufferedReader(filesystem.open_input_file(path)), name)

    def _save(self, name: str, content: "File[bytes]") -> str:
        filesystem, path = self._place(name)
        if filesystem.type_name == "local":
            filesystem.create_dir(posixpath.dirname(path))
        with filesystem.open_output_stream(path) as stream:
            for chunk in content.chunks(COPY_BYTES):
                stream.write(chunk)
        return name

    def _info(self, name: str) -> Any:
        filesystem, path = self._place(name)
        found = filesystem.get_file_info(path)
        return found if found.type == FileType.File else None

    def _place(self, name: str) -> tuple[pyarrow.fs.FileSystem, str]:
        filesystem, root = open_folder(self.url_of_folder)
        return filesystem, f"{root}/{name}"
