"""Which desk runs on a data folder, and stopping it. The lock says that one runs, and never a number in a file:
after a crash or a reboot the number may be that of another program."""

import contextlib
import json
import os
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Self

from django.conf import settings

from tradedesk.lock import FileLock, is_locked

# A desk that gets the signal ends within five seconds; one that does not is killed, which loses nothing.
SECONDS_TO_STOP = 15.0
# A process that has just taken the lock has said within this time who it is.
SECONDS_TO_SAY = 2.0


class CannotStop(Exception):
    """The message says why, and what to do."""


class Stop(Enum):
    NOT_RUNNING = "not running"
    STOPPED = "stopped"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Running:
    """The process that holds the lock. what: the address of its desk, or the command that keeps desks away. began:
    tells the process from a later one with the same number."""

    what: str
    process: int
    began: str

    @classmethod
    def this_process(cls, what: str) -> Self:
        return cls(what, os.getpid(), beginning_of(os.getpid()))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """As it was written into the file beside the lock; None for anything else."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None

    def __str__(self) -> str:
        return f"{self.what}, process {self.process}"

    @property
    def is_desk(self) -> bool:
        return "://" in self.what

    @property
    def is_alive(self) -> bool:
        return bool(self.began) and beginning_of(self.process) == self.began


def lock_of_desk() -> Path:
    return Path(settings.DATA_DIR) / "desk.lock"


def lock_desk(running: Running) -> FileLock:
    """Use it in `with`. Raises Locked, whose message `holder_of` reads."""
    return FileLock(lock_of_desk(), json.dumps(asdict(running)))


def find() -> Running | str | None:
    """What runs on the data folder: None, or a text when the holder of the lock cannot be told."""
    lock = lock_of_desk()
    if not lock.exists() or not is_locked(lock):
        return None
    running = Running.read(FileLock.holder_of(lock))
    if running is None:
        return "an unknown process"
    return running if running.is_alive else str(running)


def stop(*, seconds: float = SECONDS_TO_STOP) -> Stop:
    """Ask the desk on the data folder to stop, and wait. Raises CannotStop."""
    found = _wait_for_name()
    if found is None:
        return Stop.NOT_RUNNING
    if isinstance(found, str):
        raise CannotStop(
            f"The data folder {settings.DATA_DIR} is in use, and it is not certain by which process ({found}), so "
            "none was stopped. End the desk where it was started."
        )
    if not found.is_desk:
        raise CannotStop(f"It is no desk that uses {settings.DATA_DIR}: {found}. It ends by itself.")
    _signal(found, signal.SIGTERM)
    if _wait_for_end(found, seconds):
        return Stop.STOPPED
    _signal(found, signal.SIGKILL)
    if _wait_for_end(found, seconds):
        return Stop.KILLED
    raise CannotStop(f"The desk does not end ({found}). Look at it with: ps -p {found.process}")


def beginning_of(process: int) -> str:
    """A text that no other process has, also not one with the same number later or after a reboot; "" when there
    is no such process."""
    with contextlib.suppress(OSError, IndexError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        # The state, and clock ticks since the boot.
        return "" if fields[0] == "Z" else f"{_boot_id()} {fields[19]}"
    if Path("/proc/self/stat").exists():
        return ""
    with contextlib.suppress(OSError):
        command = ["ps", "-o", "lstart=", "-p", str(process)]
        found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a number
        return found.stdout.strip()
    return ""


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _wait_for_name() -> Running | str | None:
    deadline = time.monotonic() + SECONDS_TO_SAY
    while isinstance(found := find(), str) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _signal(running: Running, number: signal.Signals) -> None:
    if not running.is_alive:
        return
    try:
        os.kill(running.process, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise CannotStop(f"The desk belongs to another user of this machine ({running}).") from None


def _wait_for_end(running: Running, seconds: float) -> bool:
    """Whether it has released the lock."""
    deadline = time.monotonic() + seconds
    while find() == running:
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True
