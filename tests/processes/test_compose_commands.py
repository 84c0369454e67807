"""docker-compose.yml without Docker: its commands as processes on PostgreSQL and Redis."""

import contextlib
import re
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.processes.process import ROOT, Process, free_port, status_of

pytestmark = pytest.mark.processes
SECRETS = {
    "POSTGRES_PASSWORD": "secret",
    "REDIS_PASSWORD": "secret",
    "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "desk.example.com",
}
PARTS = ("web", "worker", "research", "notifications", "trade_updates", "beat")
# Research can be busy for minutes, notifications and trade updates wait for the servers of others: they have no
# health check.
PROBED = ("web", "worker", "beat")


def compose(environment: dict[str, str]) -> Any:
    """The file as Docker reads it, with ${NAME:-default} and ${NAME:?message} replaced."""

    def value(match: re.Match[str]) -> str:
        name, otherwise, text = match.groups()
        if environment.get(name):
            return environment[name]
        if otherwise == "?":
            raise LookupError(text)
        return str(text)

    def filled(node: Any) -> Any:
        match node:
            case str():
                return re.sub(r"\$\{(\w+):([-?])([^}]*)\}", value, node)
            case list():
                return [filled(item) for item in node]
            case dict():
                return {key: filled(item) for key, item in node.items()}
        return node

    return filled(yaml.safe_load((ROOT / "docker-compose.yml").read_text()))


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


class FullDesk:
    """The desk's services of docker-compose.yml, on the servers and the port of the test."""

    def __init__(self, folder: Path, database_url: str, redis_url: str) -> None:
        self.folder = folder
        self.services = compose(SECRETS)["services"]
        self.port = str(free_port())
        self.environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DESK_DATA_DIR": str(folder / "data"),
            "PORT": self.port,
        }

    def process(self, service: str, command: list[str] | None = None) -> Process:
        given = {name: str(value) for name, value in self.services[service]["environment"].items()}
        arguments = command or self.services[service]["command"]
        return Process(
            [self.port if argument == "8000" else argument for argument in arguments],
            self.folder / f"{service}.log",
            {**given, **self.environment},
        )

    def run(self, service: str, command: list[str] | None = None) -> None:
        with self.process(service, command) as process:
            assert process.end() == 0, process.output()

    def probe(self, service: str) -> int:
        """The exit code of the health check of the service."""
        test = self.services[service]["healthcheck"]["test"]
        assert test[0] == "CMD"
        with self.process(service, test[1:]) as process:
            return process.end()

    def status_of(self, path: str) -> int:
        # The headers of a proxy.
        return status_of(
            f"http://127.0.0.1:{self.port}{path}", Host=SECRETS["ALLOWED_HOSTS"], X_Forwarded_Proto="https"
        )


@pytest.fixture
def desk(tmp_path: Path, database_url: str, redis_url: str) -> FullDesk:
    return FullDesk(tmp_path, database_url, redis_url)


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
