"""The lease of a worker on a backtest: the claim, the heartbeat, and the writes that only its holder may make.

Each write is one conditional UPDATE on the row as the lease last wrote it. A worker loses its lease when the
backtest is cancelled or given to another worker; it then writes nothing more.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeVar

from django.db import transaction
from django.db.models import F

from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.research.robustness.trials import Trials
from backtests.services.queue import enqueue_backtest_evidence
from backtests.services.trial_registry import register_trials
from tradedesk.accounts.changes import bump_version

# Seconds between two heartbeats, far below the timeout after which recovery ends the lease.
HEARTBEAT_SECONDS = 1.0
Computed = TypeVar("Computed")


class LeaseLost(Exception):
    """The row belongs to another worker, was cancelled, or was deleted."""


def with_heartbeat(
    work: Callable[[], Computed], heartbeat: Callable[[], None], seconds: float | None = None
) -> Computed:
    """The result of `work`, which runs in a thread; `heartbeat` is called every `seconds` until it ends.

    The work must not use the database; `heartbeat` may. An exception of either is raised after the work has ended,
    so no thread is left behind; a `heartbeat` that raises must first signal the work to stop.
    """
    every = HEARTBEAT_SECONDS if seconds is None else seconds
    with ThreadPoolExecutor(1, "work") as thread:
        future = thread.submit(work)
        while not wait((future,), every).done:
            heartbeat()
        return future.result()


@dataclass(frozen=True, slots=True)
class BacktestLease:
    """backtest: the row as of the claim. wall_clock: returns the wall time of each write."""

    backtest: Backtest
    wall_clock: Callable[[], datetime]

    @classmethod
    def claim(cls, backtest_id: int, wall_clock: Callable[[], datetime]) -> Self | None:
        """QUEUED -> RUNNING; None when the backtest is no longer queued."""
        now = wall_clock()
        # One transaction, so that `attempts`, which identifies the lease, is read before anyone else can change
        # it.
        with transaction.atomic():
            claimed = Backtest.objects.filter(pk=backtest_id, status=Backtest.Status.QUEUED).update(
                status=Backtest.Status.RUNNING,
                attempts=F("attempts") + 1,
                started_at=now,
                heartbeat_at=now,
                progress=0,
                stage="",
            )
            if not claimed:
                return None
            backtest = Backtest.objects.get(pk=backtest_id)
        return cls(backtest, wall_clock)

    def report(self, stage: str, progress: int) -> None:
        """Store the current stage and a heartbeat. Raises LeaseLost."""
        self._write(stage=stage, progress=progress, heartbeat_at=self.wall_clock())
        bump_version(self.backtest.user_id)

    def complete(self, trades: list[BacktestTrade], curve: BacktestCurve, trial: Trials, **results: Any) -> None:
        """RUNNING -> COMPLETED, with its rows in the same transaction. Raises LeaseLost."""
        now = self.wall_clock()
        with transaction.atomic():
            self._end(Backtest.Status.COMPLETED, now, progress=100, **results)
            BacktestTrade.objects.bulk_create(trades, batch_size=500)
            curve.save(force_insert=True)
            self._count_trial(trial)
            transaction.on_commit(lambda: enqueue_backtest_evidence(self.backtest.pk), robust=True)
        bump_version(self.backtest.user_id)

    def fail(self, reason: str) -> None:
        """RUNNING -> FAILED. Raises LeaseLost."""
        self._end(Backtest.Status.FAILED, self.wall_clock(), error=reason)
        bump_version(self.backtest.user_id)

    def _count_trial(self, trial: Trials) -> None:
        """A candidate was already counted by its run, and repeating a backtest is no new trial."""
        backtest = self.backtest
        if backtest.candidate_id is None and backtest.repeats is None:
            register_trials(
                backtest.user_id,
                backtest.symbols,
                backtest.timeframe,
                backtest.start_date,
                backtest.end_date,
                trial,
            )

    def _end(self, status: Backtest.Status, now: datetime, **changes: Any) -> None:
        self._write(status=status, stage="", finished_at=now, heartbeat_at=now, **changes)

    def _write(self, **changes: Any) -> None:
        held = Backtest.objects.filter(
            pk=self.backtest.pk, status=Backtest.Status.RUNNING, attempts=self.backtest.attempts
        )
        if held.update(**changes) != 1:
            raise LeaseLost
