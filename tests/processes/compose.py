"""The compose files as Docker reads them, and their services as processes of this machine."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.processes.process import ROOT, Process, free_port, status_of

SECRETS = {
    "POSTGRES_PASSWORD": "secret",
    "REDIS_PASSWORD": "secret",
    "SECRET_KEY": "only-for-this-test-0123456789-abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": "desk.example.com",
}
FILE = "docker-compose.yml"


def compose(environment: dict[str, str], *more: str) -> Any:
    """The file as Docker reads it, with ${NAME:-default} and ${NAME:?message} replaced. more: files that are laid
    over it."""

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

    base = filled(yaml.safe_load((ROOT / FILE).read_text()))
    found = base
    for name in more:
        over = filled(yaml.safe_load((ROOT / name).read_text()))
        for service in over["services"].values():
            if "extends" in service:
                assert service["extends"]["file"] == FILE
                service.update(_over(base["services"][service.pop("extends")["service"]], service))
        found = _over(found, over)
    return found


def _over(below: Any, above: Any) -> Any:
    """A file laid over another: mappings are joined, volumes too, by their place; anything else is replaced."""
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    joined = {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
    if isinstance(below.get("volumes"), list) and isinstance(above.get("volumes"), list):
        places = {volume.split(":")[1]: volume for volume in [*below["volumes"], *above["volumes"]]}
        joined["volumes"] = list(places.values())
    return joined


def _volumes(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and place of each."""
    return [(name, place) for name, place in (volume.split(":") for volume in service["volumes"])]


class FullDesk:
    """The desk's services of the compose files, on the servers and the port of the test."""

    def __init__(
        self, folder: Path, database_url: str, redis_url: str, services: dict[str, Any], **environment: str
    ) -> None:
        """environment: for all services, over what the file says."""
        self.folder = folder
        self.services = services
        self.port = str(free_port())
        self.environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "PORT": self.port,
            **environment,
        }

    def data(self, service: str) -> Path:
        """The folder that stands for the volume at /data."""
        (name,) = (name for name, place in _volumes(self.services[service]) if place == "/data")
        return self.folder / name

    def process(self, service: str, command: list[str] | None = None) -> Process:
        given = {name: str(value) for name, value in self.services[service]["environment"].items()}
        arguments = command or self.services[service]["command"]
        return Process(
            [self.port if argument == "8000" else argument for argument in arguments],
            self.folder / f"{service}.log",
            {**given, "DESK_DATA_DIR": str(self.data(service)), **self.environment},
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
