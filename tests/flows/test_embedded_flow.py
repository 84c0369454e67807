"""The first visit of a new user on the one-process desk, in a real browser."""

from pathlib import Path

import pytest

from tests.desk.test_runner import Desk
from tests.flows.browser import chromium
from tests.flows.first_visit import run_first_visit
from tests.flows.trader import demo_password

pytestmark = [pytest.mark.browser, pytest.mark.processes]


def test_a_new_user_logs_in_backtests_deploys_and_sees_trades(tmp_path: Path) -> None:
    with (
        Desk(tmp_path / "data", environment={"REPLAY_SECONDS_PER_BAR": "0.5"}) as desk,
        chromium() as browser,
    ):
        desk.wait_until_healthy()
        print(run_first_visit(browser, desk.url, demo_password(desk.folder)))
        assert "Traceback" not in desk.output()
