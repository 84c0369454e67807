"""Files that are there whole or not at all, whatever ends the process that writes them."""

import os
import uuid
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage


def put(storage: Storage, path: str, content: "File[bytes]") -> None:
    """Keep `content` at `path`, in place of what was there, in one step. Raises OSError."""
    if not isinstance(storage, FileSystemStorage):
        storage.save(path, content)  # object storage puts a file in one step
        return
    target = Path(storage.path(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{uuid.uuid4().hex}.partial")
    try:
        with beside.open("wb") as file:
            for piece in content.chunks():
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
