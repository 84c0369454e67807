"""One process at a time, and a lock that is released when its holder ends."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tradedesk.lock import FileLock, Locked

HOLD = """
import sys
from pathlib import Path
from tradedesk.lock import FileLock
with FileLock(Path(sys.argv[1]), "the other one"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_it_names_its_holder(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock", "the first"), pytest.raises(Locked, match=r"^the first$"):
        FileLock(tmp_path / "lock", "the second").__enter__()


def test_it_is_free_again_afterwards_and_names_only_the_new_holder(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock", "a long name for the first"):
        pass
    with FileLock(tmp_path / "lock", "the second"), pytest.raises(Locked, match=r"^the second$"):
        FileLock(tmp_path / "lock", "the third").__enter__()


def test_kill_9_frees_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(Locked, match="the other one"):
        FileLock(tmp_path / "lock", "me").__enter__()

    holder.kill()
    holder.communicate()

    with FileLock(tmp_path / "lock", "me"):
        pass


def test_it_waits_for_its_turn(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path / "lock")]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    leave = threading.Timer(0.3, holder.communicate)
    leave.start()

    with FileLock(tmp_path / "lock", "me", wait=True):
        assert holder.stdin is not None
        assert holder.stdin.closed, "the other process was told to release it"
    leave.join()
    assert holder.returncode == 0
