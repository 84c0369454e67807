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
    """Forks workers on demand."""

    def __init__(self) -> None:
        self.last = 0
        path, question, options = os.environ["TEST_DATABASE_URL"].partition("?")
        url = f"{path.rpartition('/')[0]}/{connection.settings_dict['NAME']}{question}{options}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.worker_fork_server"],
            env={**os.environ, "DATABASE_URL": url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def worker(self) -> int:
        """Start a worker; returns its process id after its first heartbeat."""
        born = timezone.now()
        pid = self.last = self._fork()
        while not any(at >= born for at in read_heartbeats()[Component.WORKER].values()):
            time.sleep(0.02)
        return pid

    def _fork(self) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("fork\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        if self.last:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.last, signal.SIGKILL)
        self.process.wait(timeout=20)
