"""`.env.example` explains every variable, and docker-compose.yml passes every one to the containers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent.parent
# Selects Django's settings module; users do not set it.
# Not for the operator: of Django, Celery, numba and Arrow.
INTERNAL = {"DJANGO_SETTINGS_MODULE", "CELERY_SKIP_CHECKS", "NUMBA_CACHE_DIR", "ARROW_DEFAULT_MEMORY_POOL"}
# Fixed in the containers, or read only by the one-process desk.
FIXED_IN_CONTAINERS = {"DESK_DATA_DIR", "DEBUG", "HOST", "PORT"}


def variables_read() -> set[str]:
    """Names that the code reads from the environment, with os.environ or a reader of the settings."""
    folders = ("tradedesk", "strategies", "backtests", "livetrading")
    files = [ROOT / "manage.py", *(path for folder in folders for path in (ROOT / folder).rglob("*.py"))]
    return {name for file in files for name in _names(ast.parse(file.read_text()))} - INTERNAL


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=reader), args=[ast.Name(id="env"), ast.Constant(value=str(name)), *_]):
                assert reader.startswith("read_")
                yield name
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="environ")), args=[ast.Constant(value=str(name)), *_]
            ):
                yield name
            case ast.Call(func=ast.Attribute(value=ast.Name(id="env")), args=[ast.Constant(value=str(name)), *_]):
                yield name
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name))):
                yield name


def explained_variables() -> dict[str, str]:
    """Name and default of each variable in .env.example."""
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    return dict(lines)


def variables_of_compose() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))


def test_every_variable_that_the_code_reads_is_explained() -> None:
    read = variables_read()

    assert {"SECRET_KEY", "DATABASE_URL", "PORT", "MARKET"} <= read  # the search works
    assert read <= set(explained_variables())


def test_every_explained_variable_is_read() -> None:
    assert set(explained_variables()) <= variables_read() | variables_of_compose()


def test_the_containers_get_every_variable() -> None:
    named = set(re.findall(r"^    ([A-Z_]+): ", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE))

    assert variables_read() - FIXED_IN_CONTAINERS <= named


def test_the_explained_defaults_are_the_defaults() -> None:
    explained = explained_variables()

    assert float(explained["REPLAY_SECONDS_PER_BAR"]) == settings.REPLAY_SECONDS_PER_BAR
    assert float(explained["REPLAY_MAX_WAIT"]) == settings.REPLAY_MAX_WAIT
    assert float(explained["PAPER_STARTING_CASH"]) == settings.PAPER_STARTING_CASH
    assert float(explained["API_TOKEN_HOURS"]) == settings.API_TOKEN_HOURS
    assert explained["REPLAY_START"] == settings.REPLAY_START
    assert explained["MARKET"] == settings.MARKET
