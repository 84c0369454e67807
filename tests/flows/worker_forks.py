"""Real workers for tests that kill them: the client of tests.flows.worker_fork_server."""

import contextlib
import os
import signal
import subprocess
import sys
import time

from django.db import connection
from django.utils import timezone

from tradedesk.monitoring.heartbeats import read_heartbeats
from tradedesk.monitoring.models import Component


class WorkerForks:
    """Forks workers on demand. module: the fork server. settings: those of the workers, "" for those of the
    test."""

    def __init__(self, module: str = "tests.flows.worker_fork_server", settings: str = "") -> None:
        self.alive: list[int] = []
        path, question, options = os.environ["TEST_DATABASE_URL"].partition("?")
        url = f"{path.rpartition('/')[0]}/{connection.settings_dict['NAME']}{question}{options}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            env=os.environ | {"DATABASE_URL": url} | ({"DJANGO_SETTINGS_MODULE": settings} if settings else {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def worker(self) -> int:
        """Start a worker; returns its process id after its first heartbeat."""
        born = timezone.now()
        pid = self.fork()
        while not any(at >= born for at in read_heartbeats()[Component.WORKER].values()):
            time.sleep(0.02)
        return pid

    def fork(self) -> int:
        """Start a worker without waiting for it; returns its process id."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("fork\n")
        self.process.stdin.flush()
        self.alive.append(int(self.process.stdout.readline()))
        return self.alive[-1]

    def kill(self, pid: int | None = None) -> None:
        """Kill this worker, or all that are alive."""
        for each in list(self.alive) if pid is None else [pid]:
            if each in self.alive:
                self.alive.remove(each)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.kill()
        self.process.wait(timeout=20)
