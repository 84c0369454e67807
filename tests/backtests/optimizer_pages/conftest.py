"""Alice's optimizer runs, completed without a queue, and the forms of new ones."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backtests.models import OptimizerRun
from backtests.services.optimizer import create_ranking, create_search
from strategies.models import Strategy
from tests.backtests.runs import Clock
from tests.backtests.searches import GRID, TERMS, MakeRun, work_through

URL = "/dashboard/optimizer"
# 399 x 398 combinations on each of seven symbols.
TOO_WIDE = {"symbols": "AAPL, MSFT, IBM, GOOG, FB, A, B", "low_fast": "2", "high_fast": "400", "step_fast": "1"}
TOO_WIDE |= {"low_slow": "3", "high_slow": "400", "step_slow": "1"}
TOO_MANY = "1,111,614 combinations"


def url_of(run: OptimizerRun, part: str = "") -> str:
    return f"/dashboard/optimizer/{run.pk}{part}"


@pytest.fixture
def queue_search(strategy: Strategy) -> MakeRun:
    """A queued search of Alice's SMA crossover: 6 x 5 combinations on each of two symbols, 4 of them invalid."""

    def make(**changes: Any) -> OptimizerRun:
        values = {"symbols": ["AAPL", "MSFT"], "method": "grid", "grid": GRID, "seed": 7, "min_trades": 3, **TERMS}
        return create_search(strategy.user, strategy, **(values | changes))

    return make


@pytest.fixture
def queue_ranking(strategy: Strategy) -> MakeRun:
    """A queued ranking of Alice's strategy and all kinds on one symbol."""

    def make(**changes: Any) -> OptimizerRun:
        values = {"strategies": [strategy], "all_kinds": True, "symbols": ["AAPL"], **TERMS}
        return create_ranking(strategy.user, **(values | changes))

    return make


@pytest.fixture
def work(clock: Clock) -> Callable[[OptimizerRun], OptimizerRun]:
    def until_done(run: OptimizerRun) -> OptimizerRun:
        done = work_through(run, clock)
        assert done.status == OptimizerRun.Status.COMPLETED, done.error
        return done

    return until_done


@pytest.fixture
def searched(queue_search: MakeRun, work: Callable[[OptimizerRun], OptimizerRun]) -> OptimizerRun:
    return work(queue_search())


@pytest.fixture
def ranking(queue_ranking: MakeRun, work: Callable[[OptimizerRun], OptimizerRun]) -> OptimizerRun:
    return work(queue_ranking())


@pytest.fixture
def count_queries() -> Callable[[Callable[[], Any]], int]:
    def count(action: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            action()
        return len(captured)

    return count


@pytest.fixture
def search(strategy: Strategy) -> dict[str, str]:
    """The values of a valid form of a search on AAPL."""
    return {
        "strategy": str(strategy.pk),
        "shown_strategy": str(strategy.pk),
        "symbols": "aapl",
        "start_date": "2005-01-03",
        "end_date": "2010-12-31",
        "method": "grid",
        "objective": "sharpe",
        "vary_fast": "on",
        "low_fast": "5",
        "high_fast": "30",
        "step_fast": "5",
        "vary_slow": "on",
        "low_slow": "20",
        "high_slow": "60",
        "step_slow": "10",
    }


@pytest.fixture
def rank(strategy: Strategy) -> dict[str, str]:
    """The values of a valid form of a ranking on two symbols."""
    return {
        "strategies": str(strategy.pk),
        "symbols": "aapl, msft",
        "timeframe": "1Day",
        "objective": "sharpe",
        "start_date": "2005-01-03",
        "end_date": "2010-12-31",
    }
