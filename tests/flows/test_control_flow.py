"""Control on the one-process desk, in a real browser: create, a limit, halt, flatten, lift."""

from pathlib import Path

import pytest

from tests.desk.test_runner import Desk
from tests.flows.browser import chromium
from tests.flows.control_walk import run_control_walk
from tests.flows.trader import demo_password
from tests.processes.prepared import copy_prepared_folder

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_a_trader_stays_in_control(tmp_path: Path) -> None:
    folder = copy_prepared_folder(tmp_path / "data")
    with Desk(folder, environment={"REPLAY_SECONDS_PER_BAR": "1"}) as desk, chromium() as browser:
        desk.wait_until_healthy()
        run_control_walk(browser, desk.url, demo_password(desk.folder))
        assert "Traceback" not in desk.output()
