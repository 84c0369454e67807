"""Every compiled function lies in a folder whose changes give numba another cache."""

import ast
import shutil
from pathlib import Path

import pytest

from tradedesk.core import COMPILED, COMPILED_SOURCES, source_state

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("tradedesk", "strategies", "backtests", "livetrading")
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "cfunc", "compiled"}


def compiles(file: Path) -> bool:
    """Whether the file imports one of numba's compilers, or `compiled` of core.ratios."""
    nodes = ast.walk(ast.parse(file.read_text()))
    names = {alias.name for node in nodes if isinstance(node, ast.ImportFrom | ast.Import) for alias in node.names}
    return bool(names & COMPILERS or "numba" in names)


def compiled_files() -> list[Path]:
    files = [ROOT / "manage.py", *(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))]
    return [file for file in files if compiles(file)]


def test_every_python_package_of_the_repository_is_searched() -> None:
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests", "bench"}
    assert packages == set(PACKAGES)


def test_every_file_that_uses_numba_lies_in_a_source_folder() -> None:
    found = compiled_files()
    assert {"ratios.py", "trading.py", "averages.py"} <= {file.name for file in found}
    folders = [ROOT / folder for folder in COMPILED_SOURCES]
    assert [file for file in found if not any(map(file.is_relative_to, folders))] == []


@pytest.mark.parametrize(
    "file", [*(f"{folder}/__init__.py" for folder in COMPILED_SOURCES), "backtests/engine/kernel/new.py"]
)
def test_a_change_in_a_source_folder_gives_another_cache_folder(file: str, tmp_path: Path) -> None:
    for folder in COMPILED_SOURCES:
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    before = source_state(tmp_path)
    assert COMPILED.name == f"numba-{before}"

    with (tmp_path / file).open("a") as source:
        source.write("# a change\n")

    assert source_state(tmp_path) != before
