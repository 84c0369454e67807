"""A data folder as after the first start of a desk, for tests that are not about the first start."""

import os
import shutil
import sys
from pathlib import Path

from tests.processes.process import Process
from tradedesk.lock import FileLock


def copy_prepared_folder(target: Path) -> Path:
    """Copy it to `target` and return that. It is made once for all workers of a test run."""
    made = Path(os.environ["TEST_DATA_DIR"]) / "prepared-desk"
    with FileLock(made.with_suffix(".lock"), "", wait=True):
        if not made.exists():
            unfinished = made.with_suffix(".unfinished")
            command = [sys.executable, "manage.py", "setup_desk"]
            log = made.with_suffix(".log")
            with Process(command, log, {"DESK_DATA_DIR": str(unfinished)}) as process:
                assert process.end() == 0, process.output()
            unfinished.rename(made)
    return Path(shutil.copytree(made, target))
