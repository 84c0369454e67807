"""The test servers: they start, belong to one test run, and leave nothing behind."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests.processes.process import ROOT
from tests.services import redis_database

pytestmark = pytest.mark.processes


@pytest.fixture
def servers() -> Iterator[subprocess.Popen[str]]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TEST_")}
    command = [sys.executable, "-m", "tests.services"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        yield child


def test_they_start_and_are_deleted_after_the_test_run(servers: subprocess.Popen[str]) -> None:
    assert servers.stdin is not None
    assert servers.stdout is not None
    provided = json.loads(servers.stdout.readline())
    with psycopg.connect(provided["TEST_DATABASE_URL"]) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
        assert connection.info.server_version >= 180000
    with redis.Redis.from_url(provided["TEST_REDIS_URL"]) as client:
        assert client.ping()

    servers.stdin.close()

    assert servers.wait(30) == 0
    assert not Path(provided["TEST_DATA_DIR"]).exists()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(provided["TEST_DATABASE_URL"])
    with pytest.raises(redis.ConnectionError), redis.Redis.from_url(provided["TEST_REDIS_URL"]) as client:
        client.ping()


@pytest.mark.parametrize(
    ("url", "third"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/3"),
        ("redis://localhost:6379/5", "redis://localhost:6379/8"),
        ("redis://localhost:6379", "redis://localhost:6379/3"),
        ("redis://localhost:6379/", "redis://localhost:6379/3"),
    ],
)
def test_each_worker_has_its_own_redis_databases(url: str, third: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_REDIS_URL", url)

    assert redis_database(3) == third


def test_a_test_can_have_its_own_database(database_url: str, redis_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    assert database_url != os.environ["DATABASE_URL"]
    assert redis_url != os.environ["REDIS_URL"]
