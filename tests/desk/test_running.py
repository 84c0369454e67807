"""Which desk runs on a data folder, and that a stop ends it and never another process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.processes.process import free_port
from tradedesk import background, running
from tradedesk.background import NotStarted, _is_healthy, start_in_background
from tradedesk.lock import FileLock
from tradedesk.running import CannotStop, Running, Stop, beginning_of, find, stop

# Holds the lock of a desk until it is stopped. Its second argument is what it says it is; the third what it does.
HOLD = """
import json, signal, sys
from dataclasses import asdict
from pathlib import Path
from tradedesk.lock import FileLock
from tradedesk.running import Running
if sys.argv[3] == "hangs":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with FileLock(Path(sys.argv[1]), json.dumps(asdict(Running.this_process(sys.argv[2])))):
    print("held", flush=True)
    while True:
        signal.pause()
"""
URL = "http://127.0.0.1:8000"


@pytest.fixture
def folder(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(running, "SECONDS_TO_SAY", 0.2)
    return tmp_path


@contextmanager
def desk(folder: Path, what: str = URL, does: str = "stops") -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", HOLD, str(folder / "desk.lock"), what, does]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def foreign() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_desk_is_found_and_stopped(folder: Path) -> None:
    assert find() is None
    with desk(folder) as process:
        found = find()
        assert isinstance(found, Running)
        assert (found.what, found.process) == (URL, process.pid)
        assert stop() == Stop.STOPPED
        assert process.wait(60) == 0
    assert find() is None
    assert stop() == Stop.NOT_RUNNING


def test_one_that_hangs_is_killed(folder: Path) -> None:
    with desk(folder, does="hangs") as process:
        assert stop(seconds=0.5) == Stop.KILLED
        assert process.wait(60) == -9


def test_a_file_of_before_a_reboot_stops_nobody(folder: Path) -> None:
    with foreign() as process:
        named = Running(URL, process.pid, beginning_of(process.pid))
        with FileLock(folder / "desk.lock", json.dumps(asdict(named))):
            pass
        # The desk is gone and has left its file, and another program has its number.
        assert stop() == Stop.NOT_RUNNING
        assert process.poll() is None


@pytest.mark.parametrize("text", ["", "not JSON", "{}", None])
def test_a_holder_that_cannot_be_told_is_left_alone(folder: Path, text: str | None) -> None:
    with foreign() as process:
        before_the_reboot = replace(Running(URL, process.pid, "another boot"))
        written = json.dumps(asdict(before_the_reboot)) if text is None else text
        with FileLock(folder / "desk.lock", written):
            with pytest.raises(CannotStop, match="not certain"):
                stop()
            assert process.poll() is None


def test_a_restore_is_not_stopped(folder: Path) -> None:
    with desk(folder, what="manage.py restore") as process:
        with pytest.raises(CannotStop, match=r"manage\.py restore"):
            stop()
        assert process.poll() is None


def test_a_process_has_one_beginning_and_none_after_its_end() -> None:
    with foreign() as process:
        began = beginning_of(process.pid)
        assert began
        assert beginning_of(process.pid) == began
        with foreign() as other:
            assert beginning_of(other.pid) != began or other.pid != process.pid
    assert beginning_of(process.pid) == ""


def exit_code_of(command: str, **options: object) -> object:
    with pytest.raises(SystemExit) as ended:
        call_command(command, **options)
    return ended.value.code


def test_the_status_has_exit_codes_and_a_desk_is_not_started_twice(
    folder: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.REDIS_URL = ""
    assert exit_code_of("desk_status") == 3
    address = f"http://127.0.0.1:{free_port()}"
    with desk(folder, what=address) as process:
        assert exit_code_of("desk_status") == 1  # it does not answer
        assert exit_code_of("desk", background=True) == 0
        assert f"{address}, process {process.pid}" in capsys.readouterr().out
    with desk(folder, what="manage.py restore"):
        assert exit_code_of("desk_status") == 1


class Answering(BaseHTTPRequestHandler):
    """The health of another desk."""

    def do_GET(self) -> None:
        body = b'{"status": "ok"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_another_desk_on_the_port_is_not_the_one_that_was_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with monkeypatch.context() as no_start:
            no_start.setattr(background, "MANAGE", folder / "absent.py")
            with pytest.raises(NotStarted, match="Another desk"):
                start_in_background(["desk"], url, folder / "console.log")
        assert not _is_healthy(os.getpid(), url)
        with desk(folder, what=url) as process:
            assert _is_healthy(process.pid, url)
            assert not _is_healthy(os.getpid(), url)
        server.shutdown()
