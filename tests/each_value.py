"""Fewer combinations of a test's parameters, for the suite that runs at every change.

A test with the mark `each_value` runs with so many of its combinations that every value of every parameter occurs.
`--thorough` (`make test-thorough`) runs all.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import groupby

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--thorough", action="store_true", help="run every combination of parameters")


@pytest.hookimpl(tryfirst=True)  # before conftest.py gives each worker its share
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--thorough"):
        return
    left_out = [item for _, own in groupby(items, _function) for item in _left_out(list(own))]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        ids = {id(item) for item in left_out}
        items[:] = [item for item in items if id(item) not in ids]


def covering(rows: Iterable[dict[str, str]]) -> set[int]:
    """The places of so many rows that each value occurs: each time the row with the most values that are still
    missing; of equals the one whose values occur the least so far, so that no value meets always the same."""
    values = [frozenset(row.items()) for row in rows]
    used = Counter[tuple[str, str]]()
    chosen = set[int]()

    def gain(place: int) -> tuple[int, int]:
        times = [used[value] for value in values[place]]
        return times.count(0), -sum(times)

    while values and any(not used[value] for value in frozenset().union(*values)):
        best = max(range(len(values)), key=gain)
        chosen.add(best)
        used.update(values[best])
    return chosen


def _left_out(own: list[pytest.Item]) -> list[pytest.Item]:
    """own: the items of one test function."""
    if own[0].get_closest_marker("each_value") is None:
        return []
    chosen = covering(map(_parameters, own))
    return [item for place, item in enumerate(own) if place not in chosen]


def _function(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _parameters(item: pytest.Item) -> dict[str, str]:
    """Each parameter and what tells its values apart."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return {}
    return {name: repr(value) for name, value in item.callspec.params.items()}
