"""Writing files completely or not at all, even if the process is killed."""

import os
import uuid
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage


def write_atomically(storage: Storage, path: str, content: "File[bytes]") -> None:
    """Write `content` to `path` in one step; it replaces an older file. Raises OSError."""
    if not isinstance(storage, FileSystemStorage):
        storage.save(path, content)  # object storage writes a file in one step
        return
    target = Path(storage.path(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        with partial.open("wb") as file:
            for chunk in content.chunks():
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
