"""The search of the optimizer tests, and a way to work on the chunks of a run without a queue."""

from collections.abc import Callable
from datetime import date
from typing import Any

from backtests.models import OptimizerRun
from backtests.services.optimizer import run_chunk
from tests.backtests.runs import NOW, Clock

MakeRun = Callable[..., OptimizerRun]
# Of an SMA crossover: 30 combinations, 4 of which its own rule refuses.
GRID = {"fast": (5, 30, 5), "slow": (20, 60, 10)}
TERMS: dict[str, Any] = {
    "start_date": date(2005, 1, 3),
    "end_date": date(2010, 12, 31),
    "initial_capital": 100_000,
    "slippage_bps": 0,
    "wall_now": NOW,
}


def work_through(run: OptimizerRun, clock: Clock) -> OptimizerRun:
    """Run all chunks, as the workers do."""
    for number in range(run.chunks.count()):
        run_chunk(run.pk, number, clock)
    run.refresh_from_db()
    return run
