"""A command of the desk as a real process: start it, wait for it, stop it, read its output."""

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
# Seconds; very long, because other tests run at the same time: a set-up of seconds has taken three minutes.
TIMEOUT = 600


class Process:
    """`with Process([...], log, {"NAME": "value"}) as desk:`. It is killed at the end if it still runs."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str]) -> None:
        self.command, self.log = command, log
        self.environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONUNBUFFERED": "1",
            "PYTHONFAULTHANDLER": "1",
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

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout: float = TIMEOUT) -> int:
        """Send the signal and return the exit code. Raises subprocess.TimeoutExpired."""
        self.child.send_signal(number)
        return self.child.wait(timeout)

    def end(self) -> int:
        """Wait until it ends by itself and return the exit code."""
        return self.child.wait(TIMEOUT)

    def output(self) -> str:
        return self.log.read_text()

    def wait_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not condition():
            assert self.child.poll() is None, f"It ended with {self.child.returncode}:\n{self.output()}"
            assert time.monotonic() < deadline, f"The condition was never true:\n{self.output()}"
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
    """HTTP status of the address, without following redirects; 0 if the server is not reachable."""
    request = urllib.request.Request(url, headers={key.replace("_", "-"): value for key, value in headers.items()})
    try:
        with urllib.request.build_opener(NoRedirect).open(request, timeout=TIMEOUT) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0
