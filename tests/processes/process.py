"""A command of the desk as a real process: start it, wait for its answer, stop it, read what it said."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(sys.executable).parent
# Generous: the machine may be busy with other tests.
PATIENCE = 60


class Process:
    """`with Process([...], log, {"NAME": "value"}) as desk:` and killed at the end, should it still run."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.command, self.log = command, log
        self.environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONUNBUFFERED": "1",
            **{name: value for name, value in os.environ.items() if name.startswith("MALLOC_")},
            **environment,
        }

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.child.poll() is None:
            self.kill()

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = PATIENCE) -> int:
        """Send the signal; the exit code. Raises subprocess.TimeoutExpired."""
        self.child.send_signal(number)
        return self.child.wait(timeout)

    def end(self) -> int:
        """Wait until it ends by itself; the exit code."""
        return self.child.wait(PATIENCE)

    def said(self) -> str:
        return self.log.read_text()

    def wait_until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert self.child.poll() is None, f"It ended with {self.child.returncode}:\n{self.said()}"
            assert time.monotonic() < deadline, f"It did not come to that:\n{self.said()}"
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def status_of(url: str, **headers: str) -> int:
    """HTTP status of the address itself, redirects not followed; 0 when nobody answers."""
    asked = urllib.request.Request(url, headers={key.replace("_", "-"): value for key, value in headers.items()})
    try:
        with urllib.request.build_opener(NoRedirect).open(asked, timeout=PATIENCE) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
