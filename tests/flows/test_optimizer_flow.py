"""The optimizer in a real browser, on the embedded desk."""

from pathlib import Path

import pytest

from tests.desk.test_runner import Desk
from tests.flows.browser import chromium
from tests.flows.optimizing import walk
from tests.flows.trader import demo_password
from tests.processes.prepared import copy_prepared_folder

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_a_user_searches_parameters_and_deploys_a_row(tmp_path: Path) -> None:
    with Desk(copy_prepared_folder(tmp_path / "data")) as desk, chromium() as browser:
        desk.wait_until_healthy()
        walk(browser, desk.url, demo_password(desk.folder))
        assert "Traceback" not in desk.output()
