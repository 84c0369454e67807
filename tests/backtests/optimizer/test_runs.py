"""A run from its creation to its end, on the database, without a queue."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from backtests.models import OptimizerRun
from backtests.services.optimizer import create_search, ranked, run_chunk
from strategies.models import Strategy
from tests.backtests.runs import NOW, Clock

Search = Callable[..., OptimizerRun]


@pytest.fixture
def search(strategy: Strategy) -> Search:
    """A queued search of Alice's SMA crossover on AAPL; what is not given is a small full grid."""

    def make(**changes: Any) -> OptimizerRun:
        values: dict[str, Any] = {
            "symbols": ["AAPL"],
            "start_date": date(2005, 1, 3),
            "end_date": date(2010, 12, 31),
            "initial_capital": 100_000,
            "method": "grid",
            "grid": {"fast": (5, 30, 5), "slow": (20, 60, 10)},
            "seed": 1,
            "wall_now": NOW,
        }
        return create_search(strategy.user, changes.pop("strategy", strategy), **(values | changes))

    return make


def work(run: OptimizerRun, clock: Callable[[], datetime]) -> OptimizerRun:
    """As the workers would, until nothing is left to do."""
    for _ in range(run.chunks.count() + 1):
        run_chunk(run.pk, clock)
    run.refresh_from_db()
    return run


def test_a_search_tries_every_combination_that_the_kind_accepts(search: Search, clock: Clock) -> None:
    run = work(search(), clock)
    assert run.status == "completed", run.error
    rows = list(ranked(run, "AAPL"))
    assert len(rows) == 6 * 5 - 4  # fast 20, 25 and 30 against 20, and 30 against 30
