"""An exclusive lock on a file for one process, which the system releases when its holder ends for any reason."""

from pathlib import Path
from types import TracebackType
from typing import Self

import filelock


class Locked(Exception):
    """Another process holds the lock; the message is what it wrote about itself."""


class FileLock:
    """`with FileLock(path, "who I am"):` raises Locked immediately, or waits until the lock is
    free if `wait` is set."""

    def __init__(self, path: Path, holder: str, *, wait: bool = False) -> None:
        self.lock = filelock.FileLock(path, timeout=-1 if wait else 0, mode=0o600)
        self.holder = holder
        # Not in the locked file itself: on Windows only the holder can read that one.
        self.holder_file = path.with_name(f"{path.name}.holder")

    def __enter__(self) -> Self:
        try:
            self.lock.acquire()
        except filelock.Timeout:
            holder = self.holder_file.read_text(encoding="utf-8") if self.holder_file.exists() else ""
            raise Locked(holder) from None
        self.holder_file.write_text(self.holder, encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lock.release()
