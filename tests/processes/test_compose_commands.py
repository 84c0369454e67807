"""docker-compose.yml without Docker: its commands as processes on PostgreSQL and Redis."""

import contextlib
import signal
from pathlib import Path

import pytest

from tests.processes.compose import SECRETS, FullDesk, compose

pytestmark = pytest.mark.processes
PARTS = ("web", "worker", "research", "notifications", "trade_updates", "beat")
# Research can be busy for minutes, notifications and trade updates wait for the servers of others: they have no
# health check.
PROBED = ("web", "worker", "beat")


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_compose_refuses_a_missing_secret(name: str) -> None:
    with pytest.raises(LookupError, match=f"Set {name} in .env"):
        compose({**SECRETS, name: ""})


def test_every_service_has_a_health_check_and_waits_for_the_migration() -> None:
    services = compose(SECRETS)["services"]

    assert set(services) == {"postgres", "redis", "migrate", *PARTS}
    assert all("healthcheck" in service for service in services.values())
    for part in PARTS:
        assert services[part]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert "restart" not in services["migrate"] or services["migrate"]["restart"] == "no"


@pytest.fixture
def desk(tmp_path: Path, database_url: str, redis_url: str) -> FullDesk:
    return FullDesk(tmp_path, database_url, redis_url, compose(SECRETS)["services"])


def test_the_commands_of_the_compose_file_run_a_desk(desk: FullDesk) -> None:
    # The Dockerfile does this when the image is built.
    desk.run("migrate", ["python", "manage.py", "setup_desk", "--only-static"])
    desk.run("migrate")
    with contextlib.ExitStack() as stack:
        running = {part: stack.enter_context(desk.process(part)) for part in PARTS}
        running["web"].wait_until(lambda: desk.status_of("/api/health") == 200)
        assert desk.status_of("/accounts/login/") == 200
        assert {part: desk.probe(part) for part in PROBED} == {"web": 0, "worker": 0, "beat": 0}
        desk.run("migrate")  # again, while the desk is running

        running["worker"].kill()
        running["web"].wait_until(lambda: desk.status_of("/api/health") == 503)
        assert {part: desk.probe(part) for part in PROBED} == {"web": 0, "worker": 1, "beat": 0}

        ended = ("web", "research", "trade_updates", "beat")
        stopped = {part: running[part].stop(signal.SIGTERM) for part in ended}
        assert stopped == {"web": -signal.SIGTERM, "research": 0, "trade_updates": 0, "beat": 0}
