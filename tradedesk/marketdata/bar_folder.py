"""The folder of the bar store, on a disk or in object storage: whole files by their path, through pyarrow.fs.

Nothing here renames or appends, because object storage can do neither.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow.fs
from django.conf import settings

from tradedesk.marketdata.files import replace_file
from tradedesk.object_storage import Folder, open_folder


class StoredFile(NamedTuple):
    """A path in the folder and the time of its last change (aware, UTC)."""

    path: str
    modified: datetime


def bar_folder() -> Folder:
    """The folder that BARS_URL names."""
    return open_folder(settings.BARS_URL)


def read_file(path: str) -> bytes:
    """Raises FileNotFoundError and other OSErrors."""
    filesystem, root = bar_folder()
    with filesystem.open_input_file(f"{root}/{path}") as file:
        content: bytes = file.read()
    return content


def write_file(path: str, content: bytes) -> None:
    """Write a file completely or not at all; it replaces an older one. Raises OSError."""
    filesystem, root = bar_folder()
    if isinstance(filesystem, pyarrow.fs.LocalFileSystem):
        replace_file(Path(root, path), [content])
    else:
        # An object appears when it is complete.
        with filesystem.open_output_stream(f"{root}/{path}") as file:
            file.write(content)


def file_exists(path: str) -> bool:
    filesystem, root = bar_folder()
    return bool(filesystem.get_file_info(f"{root}/{path}").type == pyarrow.fs.FileType.File)


def delete_file(path: str) -> None:
    """Delete a file, if it exists. Raises OSError."""
    filesystem, root = bar_folder()
    try:
        filesystem.delete_file(f"{root}/{path}")
    except FileNotFoundError:
        return


def files_in(folder: str) -> Iterator[StoredFile]:
    """The files in a folder, not in its subfolders; none if it does not exist. Raises OSError."""
    filesystem, root = bar_folder()
    selector = pyarrow.fs.FileSelector(f"{root}/{folder}", allow_not_found=True)
    for found in filesystem.get_file_info(selector):
        if found.type == pyarrow.fs.FileType.File:
            yield StoredFile(f"{folder}/{found.base_name}", found.mtime)
