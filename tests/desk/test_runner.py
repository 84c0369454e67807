"""manage.py desk as a process: start, stop and kill."""

import http.cookiejar
import re
import signal
import sqlite3
import sys
import textwrap
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

from tests.processes.prepared import copy_prepared_folder
from tests.processes.process import TIMEOUT, Process, free_port, status_of

pytestmark = pytest.mark.processes
FAST = {"REPLAY_SECONDS_PER_BAR": "0.1"}
MANAGE = [sys.executable, "manage.py", "desk"]
# The desk stops within 5 s on an idle machine; other tests run at the same time.
STOPS_WITHIN = 15


class Desk(Process):
    def __init__(
        self, folder: Path, command: list[str] = MANAGE, environment: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        given = {"DESK_DATA_DIR": str(folder), "PORT": str(free_port()), **(environment or {})}
        self.url = f"http://127.0.0.1:{given['PORT']}"
        super().__init__(command, folder.parent / f"{folder.name}.log", given)

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: status_of(f"{self.url}/accounts/login/") == 200)

    def wait_until_healthy(self) -> None:
        self.wait_until(lambda: status_of(f"{self.url}/api/health") == 200)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with sqlite3.connect(self.folder / "desk.sqlite3") as database:
            return database.execute(sql).fetchall()

    def execute(self, sql: str) -> None:
        with sqlite3.connect(self.folder / "desk.sqlite3", timeout=TIMEOUT) as database:
            database.execute(sql)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copy_prepared_folder(tmp_path / "data")


def test_on_an_empty_folder_it_starts_and_prints_how_to_log_in(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Desk(folder) as desk:
        desk.wait_until_ready()
        desk.wait_until_healthy()

        password = (folder / "demo-password").read_text().strip()
        assert desk.url in desk.output()
        assert f"demo@example.com  {password}" in desk.output()
        assert "replay of 2010-01-0" in desk.output()
        assert "Press Ctrl-C to stop the desk." in desk.output()


def test_static_files_cause_no_warning_and_a_second_desk_is_refused(folder: Path, tmp_path: Path) -> None:
    with Desk(folder) as desk:
        desk.wait_until_ready()
        with urllib.request.urlopen(f"{desk.url}/accounts/login/", timeout=60) as response:
            page = response.read().decode()
        files = re.findall(r'"(/static/[^"]+)"', page)
        assert files
        assert {status_of(f"{desk.url}{file}") for file in files} == {200}
        assert "Warning" not in desk.output()

        with Desk(folder) as on_the_same_folder:
            assert on_the_same_folder.end() == 1
        with Desk(tmp_path / "other", environment={"PORT": desk.environment["PORT"]}) as on_the_same_port:
            assert on_the_same_port.end() == 1

        assert on_the_same_folder.output().splitlines()[-1] == (
            f"A desk is already running on {folder} ({desk.url}, process {desk.child.pid}). "
            "Stop it first, or set DESK_DATA_DIR to another folder for this one."
        )
        assert on_the_same_port.output() == (
            f"The desk cannot listen on {desk.url.removeprefix('http://')} (Address already in use). "
            "Use another port, for example PORT=8001.\n"
        )
        assert desk.stop(signal.SIGINT) == 0
        assert "Traceback" not in desk.output()


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PORT": "abc"}, "PORT must be a whole number from 1 to 65535, not “abc”."),
        ({"PORT": "70000"}, "PORT must be a whole number from 1 to 65535, not “70000”."),
        ({"REDIS_URL": "redis://localhost:6379/0"}, "REDIS_URL is set, so this desk runs as several processes. "),
        ({"MARKET": "maybe"}, "MARKET must be one of replay, real, alpaca, not “maybe”."),
    ],
)
def test_a_wrong_setting_is_refused_in_one_line(environment: dict[str, str], message: str, folder: Path) -> None:
    with Desk(folder, environment=environment) as desk:
        assert desk.end() == 1

    assert desk.output().startswith(message)
    assert desk.output().count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_after_a_signal_with_live_pages_open(number: signal.Signals, folder: Path) -> None:
    with Desk(folder) as desk:
        desk.wait_until_healthy()
        stream = log_in(desk).open(f"{desk.url}/events", timeout=60)
        assert stream.headers["Content-Type"].startswith("text/event-stream")

        assert desk.stop(number, timeout=STOPS_WITHIN) == 0
        assert "Traceback" not in desk.output()


def test_after_kill_9_it_continues_where_it_was(folder: Path) -> None:
    replay_session = "SELECT session FROM marketdata_replaymarket"
    with Desk(folder, environment=FAST) as desk:
        desk.wait_until_healthy()
        first = desk.query(replay_session)
        desk.wait_until(lambda: desk.query(replay_session) > first)
        desk.kill()
    password = (folder / "demo-password").read_text()
    strategies = desk.query("SELECT * FROM strategies_strategy")
    session = desk.query(replay_session)

    with Desk(folder, environment=FAST) as again:
        again.wait_until_healthy()
        assert again.query(replay_session) >= session
        again.wait_until(lambda: again.query(replay_session) > session)
        assert again.query("SELECT * FROM strategies_strategy") == strategies
        assert (folder / "demo-password").read_text() == password
        assert again.stop(signal.SIGINT) == 0


def test_a_task_that_does_not_end_does_not_delay_the_stop(folder: Path) -> None:
    endless = run_with("""
        import time
        from celery import shared_task
        from django.dispatch import receiver
        from tradedesk.signals import desk_started
        @shared_task
        def endless(): print("endless", flush=True); time.sleep(3600)
        @receiver(desk_started)
        def enqueue(**_): endless.delay()
    """)
    with Desk(folder, endless) as desk:
        desk.wait_until(lambda: "endless" in desk.output())
        assert desk.stop(signal.SIGINT, timeout=STOPS_WITHIN) == 0


@pytest.mark.parametrize("part", ["celery.beat.Service", "celery.worker.WorkController"])
def test_it_ends_with_an_error_if_its_worker_or_beat_ends(part: str, folder: Path) -> None:
    module, name = part.rsplit(".", 1)
    broken = run_with(f"""
        from {module} import {name} as part
        def start(self, **_): raise RuntimeError("broken by the test")
        part.start = start
    """)
    with Desk(folder, broken) as desk:
        assert desk.end() == 1

    assert "broken by the test" in desk.output()
    assert "The desk stops because its" in desk.output()


def run_with(change: str) -> list[str]:
    """`manage.py desk` after running the code `change`."""
    start = ("import sys, manage", "sys.argv = ['manage.py', 'desk']", textwrap.dedent(change), "manage.main()")
    return [sys.executable, "-c", "\n".join(start)]


def log_in(desk: Desk) -> urllib.request.OpenerDirector:
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    page = f"{desk.url}/accounts/login/"
    browser.open(page, timeout=60).read()
    token = next(cookie.value for cookie in cookies if cookie.name == "csrftoken")
    form = {
        "login": "demo@example.com",
        "password": (desk.folder / "demo-password").read_text().strip(),
        "csrfmiddlewaretoken": token or "",
    }
    browser.open(page, urllib.parse.urlencode(form).encode(), timeout=60).read()
    assert any(cookie.name == "sessionid" for cookie in cookies)
    return browser
