"""One process at a time: an exclusive lock on a file, freed by the kernel however its holder ends."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self


class Locked(Exception):
    """Another process holds the lock; the message is what it wrote about itself."""


class FileLock:
    """`with FileLock(path, "who I am"):` raises Locked at once, or waits for its turn when `wait` is set."""

    def __init__(self, path: Path, holder: str, *, wait: bool = False) -> None:
        self.path, self.holder, self.wait = path, holder, wait

    def __enter__(self) -> Self:
        # Not truncated on opening: it holds the other process's words until the lock is ours.
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | (0 if self.wait else fcntl.LOCK_NB))
        except BlockingIOError:
            words = os.read(self.descriptor, 1000).decode()
            os.close(self.descriptor)
            raise Locked(words) from None
        os.ftruncate(self.descriptor, 0)
        os.write(self.descriptor, self.holder.encode())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The file stays: deleting it would let a third process lock a new file of the same name.
        os.close(self.descriptor)
