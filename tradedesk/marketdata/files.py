"""Writing files completely or not at all, even if the process is killed or the power fails."""

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage


def write_atomically(storage: Storage, path: str, content: "File[bytes]") -> None:
    """Write `content` to `path` in one step; it replaces an older file. Raises OSError."""
    if isinstance(storage, FileSystemStorage):
        replace_file(Path(storage.path(path)), content.chunks())
    else:
        storage.save(path, content)  # object storage writes a file in one step


def replace_file(target: Path, chunks: Iterable[bytes]) -> None:
    """Write a file on this machine in one step; it replaces an older file. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        with partial.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    _keep_name(target.parent)


def _keep_name(folder: Path) -> None:
    """Wait until the new name is on the disk: a database row that names the file must not outlive it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
