"""An exclusive lock on a file for one process, which the system releases when its holder ends for any reason."""

from pathlib import Path
from types import TracebackType
from typing import Self

import filelock


class Locked(Exception):
    """Another process holds the lock; the message is what it wrote about itself."""


class FileLock:
    """`with FileLock(path, "who I am"):` raises Locked, or waits until the lock is free if `wait` is set."""

    def __init__(self, path: Path, holder: str, *, wait: bool = False) -> None:
        # is_locked of another process may hold it for an instant.
        self.lock = filelock.FileLock(path, timeout=-1 if wait else 0.3, mode=0o600)
        self.holder = holder
        self.path = path

    def __enter__(self) -> Self:
        try:
            self.lock.acquire()
        except filelock.Timeout:
            raise Locked(self.holder_of(self.path)) from None
        _holder_file(self.path).write_text(self.holder, encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lock.release()

    @staticmethod
    def holder_of(path: Path) -> str:
        """What the last holder of the lock wrote about itself; "" before the first."""
        try:
            return _holder_file(path).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock, which this one holds for an instant when none does."""
    try:
        with filelock.FileLock(path, timeout=0, mode=0o600):
            return False
    except filelock.Timeout:
        return True


def _holder_file(path: Path) -> Path:
    # Not in the locked file itself: on Windows only the holder can read that one.
    return path.with_name(f"{path.name}.holder")
