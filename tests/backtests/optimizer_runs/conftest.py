"""Alice's optimizer runs, and workers that run their chunks without a queue."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import TestCase

from backtests.models import OptimizerRun
from backtests.services.optimizer import create, create_ranking, create_search
from backtests.services.queue import CHUNK_TASK
from strategies.models import Strategy
from tests.backtests.runs import Clock, Published
from tests.backtests.searches import GRID, TERMS, MakeRun, work_through

Work = Callable[[OptimizerRun], OptimizerRun]
Enqueued = Callable[[Callable[[], Any]], list[int]]


@pytest.fixture
def search(strategy: Strategy) -> MakeRun:
    """Creates a queued search of Alice's SMA crossover: 6 x 5 combinations on AAPL, 4 of which its rule
    refuses."""

    def make_search(**changes: Any) -> OptimizerRun:
        values: dict[str, Any] = {"symbols": ["AAPL"], "method": "grid", "grid": GRID, "seed": 1}
        return create_search(strategy.user, strategy, **(values | TERMS | changes))

    return make_search


@pytest.fixture
def ranking(strategy: Strategy) -> MakeRun:
    """Creates a queued ranking of Alice's strategy on two symbols."""

    def make_ranking(**changes: Any) -> OptimizerRun:
        values: dict[str, Any] = {"strategies": [strategy], "all_kinds": False, "symbols": ["AAPL", "MSFT"]}
        return create_ranking(strategy.user, **(values | TERMS | changes))

    return make_ranking


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of ten combinations."""
    monkeypatch.setattr(create, "MIN_CHUNK", 10)
    monkeypatch.setattr(create, "MAX_CHUNK", 10)


@pytest.fixture
def work(clock: Clock) -> Work:
    return lambda run: work_through(run, clock)


@pytest.fixture
def enqueued(published: Published) -> Enqueued:
    """The numbers of the chunks that an action enqueues after its commit."""

    def by(action: Callable[[], Any]) -> list[int]:
        before = len(published)
        with TestCase.captureOnCommitCallbacks(execute=True):
            action()
        return [arguments[1] for name, arguments in published[before:] if name == CHUNK_TASK]

    return by
