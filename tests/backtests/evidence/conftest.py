"""A completed search of Alice's, and evidence that has been gathered."""

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
    """26 combinations on one symbol; the search saw the first 70% of the sessions."""
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
    """The last row: below the best, so nobody examines it until it is asked for."""
    last = run.candidates.order_by("score").first()
    assert last is not None
    return last


@pytest.fixture(scope="session")
def known() -> list[dict[str, Any]]:
    """What was found of `completed`: the same every time, so it is gathered once and stored for each test."""
    return []


@pytest.fixture
def examined(completed: Backtest, clock: Clock, known: list[dict[str, Any]]) -> Backtest:
    if known:
        Evidence.objects.create(backtest=completed, report=known[0], computed_at=clock())
    else:
        compute_for_backtest(completed.pk, clock)
        known.append(Evidence.objects.get().report)
    return Backtest.objects.select_related("evidence").get(pk=completed.pk)
