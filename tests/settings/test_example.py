"""`.env.example` tells about every variable, and docker-compose.yml hands every one to the containers."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent.parent
# Not the trader's to set: which settings Django loads.
INTERNAL = {"DJANGO_SETTINGS_MODULE"}
# What the containers fix for themselves, and what only the one-process desk reads.
FIXED_IN_CONTAINERS = {"DESK_DATA_DIR", "DEBUG", "HOST", "PORT"}


def variables_read() -> set[str]:
    """Names that the product's code takes from the environment, by os.environ or by a reader of the settings."""
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


def variables_told() -> dict[str, str]:
    """Name and default of each variable of .env.example."""
    lines = re.findall(r"^#?([A-Z_]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    return dict(lines)


def variables_of_compose() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))


def test_every_variable_that_the_code_reads_is_explained() -> None:
    read = variables_read()

    assert {"SECRET_KEY", "DATABASE_URL", "PORT", "MARKET"} <= read  # the search finds what it should
    assert read <= set(variables_told())


def test_nothing_is_explained_that_nobody_reads() -> None:
    assert set(variables_told()) <= variables_read() | variables_of_compose()


def test_the_containers_are_given_every_variable() -> None:
    named = set(re.findall(r"^    ([A-Z_]+): ", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE))

    assert variables_read() - FIXED_IN_CONTAINERS <= named


def test_the_defaults_told_are_the_defaults() -> None:
    told = variables_told()

    assert float(told["REPLAY_SECONDS_PER_BAR"]) == settings.REPLAY_SECONDS_PER_BAR
    assert float(told["PAPER_STARTING_CASH"]) == settings.PAPER_STARTING_CASH
    assert float(told["API_TOKEN_HOURS"]) == settings.API_TOKEN_HOURS
    assert told["REPLAY_START"] == settings.REPLAY_START
    assert told["MARKET"] == settings.MARKET
