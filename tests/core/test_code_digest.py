"""The digest of code changes with what the code does, and not with how it is written down."""

import ast
import gc
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from strategies import kinds
from tradedesk.core.code_digest import code_digest

CODE = '''
"""The module."""
from math import sqrt

LIMIT = 20


class Average:
    """A class."""

    period: int = 10

    def of(self, values, *, weight=1.5, **others):
        """A method."""
        if len(values) > LIMIT:
            return {**others, "mean": sqrt(sum(values)) * weight}
        return None


def nothing():
    """Only a docstring."""
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 20", "LIMIT = 20  # at most"),
        ("LIMIT = 20", "# at most\nLIMIT = 20"),
        ("LIMIT = 20", "LIMIT = 2_0"),
        ("LIMIT = 20", "LIMIT = (\n    20\n)"),
        ("values)) * weight", "values))*weight"),
        ('"mean"', "'mean'"),
        ('"mean"', 'u"mean"'),
        ("\n\n\n", "\n"),
        ("    ", "  "),
        ("\n", "\r\n"),
        ('"""The module."""\n', ""),
        ('"""The module."""', '"""Another description."""'),
        ('    """A class."""\n', ""),
        ('"""A method."""', "'''Returns\n\n    None or a mapping.'''"),
        ('    """Only a docstring."""', "    pass"),
        ("period: int = 10", 'period: int = 10\n    """Number of bars."""'),
    ],
)
def test_comments_formatting_and_docstrings_do_not_change_it(old: str, new: str) -> None:
    edited = CODE.replace(old, new)
    assert edited != CODE
    ast.parse(edited)
    assert code_digest(edited.encode()) == code_digest(CODE.encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 20", "LIMIT = 21"),
        ("LIMIT = 20", "LIMIT = 20.0"),
        ("LIMIT = 20", "LIMIT = -20"),
        ("LIMIT = 20", "LIMIT = 20\nLIMIT += 1"),
        ("LIMIT = 20", 'LIMIT = "20"'),
        ("weight=1.5", "weight=1.5000000000000002"),
        ("weight=1.5", "weight=None"),
        ("*, weight", "weight"),
        ("> LIMIT", ">= LIMIT"),
        (") * weight", ") / weight"),
        ("sqrt", "cbrt"),
        ("self, values", "values, self"),
        ("return None", "return 0"),
        ("return None", "return"),
        ("        return None", "        if values:\n            return None"),
        ('"mean"', '"Mean"'),
        ('"mean"', 'b"mean"'),
        ("{**others, ", "{"),
        ("class Average", "class Mean"),
        ("class Average", "class Average(list)"),
        ("from math", "from cmath"),
        ("    period", "    @staticmethod\n    def f(): pass\n    period"),
        ("def nothing", "async def nothing"),
        ('    """Only a docstring."""', '    f"Only a {LIMIT}."'),
        ('    """Only a docstring."""', '    return """Only a docstring."""'),
    ],
)
def test_every_change_of_the_code_changes_it(old: str, new: str) -> None:
    edited = CODE.replace(old, new)
    assert edited != CODE
    ast.parse(edited)
    assert code_digest(edited.encode()) != code_digest(CODE.encode())


def test_it_is_the_same_in_every_version_of_python() -> None:
    """The digest of a fixed text, computed on 3.11: the tests also run on the versions after it."""
    assert code_digest(CODE.encode()).hex()[:16] == "d6de99f1a0748df8"


@pytest.mark.parametrize(
    "source",
    [b"def (:", b"x = 1\x00", "# -*- coding: latin-1 -*-\nx = 'é'".encode("latin-1"), b"\xff", b""],
    ids=["syntax", "null", "encoding", "bytes", "empty"],
)
def test_any_bytes_have_a_digest(source: bytes) -> None:
    assert len(code_digest(source)) == 32
    assert code_digest(source) != code_digest(source + b"\ny = 2\n")


def test_a_tree_that_is_too_deep_has_a_digest() -> None:
    deep = ("x = " + " + ".join(["1"] * 1_500)).encode()
    assert code_digest(deep) != code_digest(deep + b" + 1")


def test_no_kind_has_the_digest_of_another() -> None:
    files = sorted(Path(kinds.__path__[0]).glob("*.py"))
    assert len({code_digest(file.read_bytes()) for file in files}) == len(files) > 20


@pytest.fixture
def busy_threads() -> Iterator[None]:
    """Switch between threads as often as possible, in the middle of parsing as well."""
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()

    def switch(phase: str, info: dict[str, int]) -> None:
        time.sleep(0)

    sys.setswitchinterval(1e-6)
    gc.set_threshold(5)
    gc.callbacks.append(switch)
    yield
    gc.callbacks.remove(switch)
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("busy_threads")
def test_threads_can_digest_at_the_same_time() -> None:
    sources = [file.read_bytes() for file in sorted(Path(kinds.__path__[0]).glob("*.py"))] * 2
    with ThreadPoolExecutor(8) as threads:
        digests = list(threads.map(code_digest.__wrapped__, sources))
    assert digests[: len(sources) // 2] == digests[len(sources) // 2 :]
