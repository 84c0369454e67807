"""A writer of bars that is killed at any line leaves the old bars or the new ones, never a mix."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.crash
def test_a_writer_that_is_killed_at_any_line_leaves_the_old_bars_or_the_new_ones(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "tests.marketdata.killed_writer"],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tradedesk.settings.test",
            "DATABASE_URL": "",
            "BARS_URL": "",
            "DESK_DATA_DIR": str(tmp_path / "desk"),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert finished.returncode == 0, finished.stderr
    kills = json.loads(finished.stdout)
    assert set(kills) == {"append_to_the_tail", "compact", "import_corrected_bars"}
    for found in kills.values():
        assert found["before"] > 50
        assert found["after"] > 5
