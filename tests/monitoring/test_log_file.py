"""The log file: whole lines of several processes, bounded in size and number, its owner's alone."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tradedesk.monitoring.log_file import SharedLogFile


def handler(path: Path, *, most_bytes: int = 10_000_000, kept: int = 3) -> SharedLogFile:
    return SharedLogFile(str(path), most_bytes=most_bytes, kept=kept)


def write(to: SharedLogFile, text: str) -> None:
    to.emit(logging.LogRecord("desk", logging.INFO, "", 0, text, None, None))


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "desk.log"
    write(handler(path), "one")
    assert path.read_text() == "one\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_size_and_number_of_the_files_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "desk.log"
    to = handler(path, most_bytes=100, kept=3)
    for number in range(500):
        write(to, f"line {number:04}")
    files = sorted(each.name for each in tmp_path.iterdir() if not each.name.endswith(".lock"))
    assert files == ["desk.log", "desk.log.1", "desk.log.2", "desk.log.3"]
    assert all((tmp_path / name).stat().st_size <= 110 for name in files)
    newest_first = "".join((tmp_path / name).read_text() for name in reversed(files))
    lines = newest_first.splitlines()
    assert lines == [f"line {number:04}" for number in range(500 - len(lines), 500)]


def test_a_process_follows_the_file_that_another_one_has_moved(tmp_path: Path) -> None:
    path = tmp_path / "desk.log"
    first, second = handler(path, most_bytes=50), handler(path, most_bytes=50)
    write(second, "of the second")
    for _ in range(6):
        write(first, "of the first")
    write(second, "again of the second")
    assert "again of the second" in path.read_text() + (tmp_path / "desk.log.1").read_text()


def test_lines_of_two_processes_do_not_overwrite_each_other(tmp_path: Path) -> None:
    path = tmp_path / "desk.log"
    handlers = [handler(path), handler(path)]
    for number in range(10):
        for name, to in zip("ab", handlers, strict=True):
            write(to, f"{name} {number}")
    assert path.read_text().splitlines() == [f"{name} {number}" for number in range(10) for name in "ab"]


WRITER = """
import logging, sys
from tradedesk.monitoring.log_file import SharedLogFile
to = SharedLogFile(sys.argv[1], most_bytes=20_000, kept=50)
for number in range(1000):
    to.emit(logging.LogRecord("desk", logging.INFO, "", 0, f"{sys.argv[2]} {number} " + "x" * 60, None, None))
"""


def test_several_processes_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "desk.log"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    lines = [line for each in tmp_path.glob("desk.log*") if each.suffix != ".lock" for line in _lines(each)]
    assert sorted(lines) == sorted(f"{name} {number} {'x' * 60}" for name in "ab" for number in range(1000))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_a_full_disk_drops_the_line_and_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("This system has no /dev/full.")
    to = handler(tmp_path / "desk.log")
    to.baseFilename = str(full)
    for _ in range(3):
        write(to, "one")
    assert capsys.readouterr().err == ""
