"""The first visit of a new user on the desk of docker-compose.yml: web, worker and beat on PostgreSQL and
Redis."""

import contextlib
from pathlib import Path

import pytest

from tests.flows.browser import chromium
from tests.flows.first_visit import run_first_visit
from tests.flows.trader import demo_password
from tests.processes.compose import SECRETS, FullDesk, compose
from tests.processes.process import status_of
from tests.processes.test_compose_commands import PARTS

pytestmark = [pytest.mark.browser, pytest.mark.processes]
# The settings of .env without an HTTPS proxy.
WITHOUT_PROXY = {"HTTPS": "0", "BEHIND_PROXY": "0", "ALLOWED_HOSTS": "127.0.0.1"}


def test_a_new_user_logs_in_backtests_deploys_and_sees_trades(
    tmp_path: Path, database_url: str, redis_url: str
) -> None:
    desk = FullDesk(tmp_path, database_url, redis_url, compose(SECRETS)["services"])
    desk.environment |= {**WITHOUT_PROXY, "REPLAY_SECONDS_PER_BAR": "0.5"}
    desk.run("migrate", ["python", "manage.py", "setup_desk", "--only-static"])
    # With DEMO_USER=1 the web process refuses to listen on all addresses, so only the migration has it.
    desk.environment["DEMO_USER"] = "1"
    desk.run("migrate")
    desk.environment["DEMO_USER"] = "0"
    with contextlib.ExitStack() as stack, chromium() as browser:
        parts = [stack.enter_context(desk.process(part)) for part in PARTS]
        url = f"http://127.0.0.1:{desk.port}"
        parts[0].wait_until(lambda: status_of(f"{url}/api/health") == 200)
        print(run_first_visit(browser, url, demo_password(tmp_path / "data")))
        assert all("Traceback" not in part.output() for part in parts)
