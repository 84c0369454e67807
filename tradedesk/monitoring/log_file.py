"""A log file that several processes share: bounded in size and number, readable by its owner alone."""

import contextlib
import logging
import os
from io import TextIOWrapper
from logging.handlers import WatchedFileHandler
from pathlib import Path

from filelock import FileLock, Timeout


class SharedLogFile(WatchedFileHandler):
    """Each process appends whole lines, and opens the file again after another one has moved it away.

    The process that finds the file too large moves it to `.1` under a lock, the older ones to `.2` and so on. A
    line that cannot be written, because the disk is full, is dropped: a log never stops the desk.
    """

    def __init__(self, path: str, *, most_bytes: int, kept: int) -> None:
        self.most_bytes, self.kept = most_bytes, kept
        folder = Path(path).parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.rotation = FileLock(f"{path}.lock", timeout=0, mode=0o600, thread_local=False)
        super().__init__(path, encoding="utf-8", delay=True)

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        return os.fdopen(descriptor, "a", encoding=self.encoding)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._is_full():
                self._rotate()
        except OSError:
            pass  # the line goes into the file as it is
        try:
            super().emit(record)
        except OSError:
            self._drop()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name of the standard library
        self._drop()

    def _drop(self) -> None:
        """What could not be written is not tried again with the next line."""
        stream, self.stream = self.stream, None
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()

    def _is_full(self) -> bool:
        try:
            return os.stat(self.baseFilename).st_size >= self.most_bytes
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        with contextlib.suppress(Timeout), self.rotation:
            # Another process may have moved it in the meantime.
            if not self._is_full():
                return
            for number in range(self.kept, 1, -1):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(f"{self.baseFilename}.{number - 1}", f"{self.baseFilename}.{number}")
            os.replace(self.baseFilename, f"{self.baseFilename}.1")
