"""A completed search of Alice's, and computed evidence."""

from typing import Any

import pytest

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun
from backtests.services.evidence import compute_for_backtest
from backtests.services.optimizer import create_search
from strategies.models import Strategy
from tests.backtests.runs import Clock
from tests.backtests.searches import GRID, TERMS, work_through


@pytest.fixture
def run(strategy: Strategy, clock: Clock) -> OptimizerRun:
    """A search of 26 combinations on one symbol over the first 70% of the sessions."""
    made = create_search(
        strategy.user,
        strategy,
        symbols=["AAPL"],
        method="grid",
        grid=GRID,
        seed=7,
        min_trades=3,
        **TERMS,
    )
    work_through(made, clock)
    assert made.status == OptimizerRun.Status.COMPLETED, made.error
    return made


@pytest.fixture
def candidate(run: OptimizerRun) -> Candidate:
    """The last candidate, whose evidence is computed only on request."""
    last = run.candidates.order_by("score").first()
    assert last is not None
    return last


@pytest.fixture(scope="session")
def reports() -> list[dict[str, Any]]:
    """The report of `completed`, computed once for all tests."""
    return []


@pytest.fixture
def with_evidence(completed: Backtest, clock: Clock, reports: list[dict[str, Any]]) -> Backtest:
    if reports:
        Evidence.objects.create(backtest=completed, report=reports[0], computed_at=clock())
    else:
        compute_for_backtest(completed.pk, clock)
        reports.append(Evidence.objects.get().report)
    return Backtest.objects.select_related("evidence").get(pk=completed.pk)
