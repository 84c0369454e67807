"""The lease of a worker on a backtest: the claim, the heartbeat, and the writes that only the holder may make.

Each write is one conditional UPDATE on the row as this lease left it. A worker loses its lease when the backtest
is cancelled or given to another worker; it then writes nothing more.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeVar

import numpy as np
from django.db import transaction
from django.db.models import F

from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.services.queue import enqueue_backtest_evidence
from backtests.services.trial_registry import record
from tradedesk.accounts.changes import bump_version

# Seconds between two heartbeats, far below the time after which recovery takes a lease away.
HEARTBEAT_SECONDS = 1.0
Made = TypeVar("Made")


class LeaseLost(Exception):
    """The row belongs to another worker, was cancelled, or is gone."""


def with_heartbeat(work: Callable[[], Made], beat: Callable[[], None], every: float = HEARTBEAT_SECONDS) -> Made:
    """The result of `work`, which runs in a thread of its own; `beat` is called every so many seconds until then.

    The work is pure: it holds no connection to the database, which `beat` may use. What either raises is raised
    after the work has ended, so no thread is left behind; a `beat` that raises must first ask the work to stop.
    """
    with ThreadPoolExecutor(1, "work") as thread:
        future = thread.submit(work)
        while not wait((future,), every).done:
            beat()
        return future.result()


@dataclass(frozen=True, slots=True)
class BacktestLease:
    """backtest: the row as it was at the claim. wall_clock: gives the wall time of each write."""

    backtest: Backtest
    wall_clock: Callable[[], datetime]

    @classmethod
    def claim(cls, backtest_id: int, wall_clock: Callable[[], datetime]) -> Self | None:
        """QUEUED -> RUNNING; None when the backtest is not queued any more."""
        now = wall_clock()
        # One transaction, so that the lease's number is read before anyone else can move it.
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

    def complete(self, trades: list[BacktestTrade], curve: BacktestCurve, **results: Any) -> None:
        """RUNNING -> COMPLETED together with its rows, all or nothing. Raises LeaseLost."""
        now = self.wall_clock()
        with transaction.atomic():
            self._end(Backtest.Status.COMPLETED, now, progress=100, **results)
            BacktestTrade.objects.bulk_create(trades, batch_size=500)
            curve.save(force_insert=True)
            self._count_trial(results["metrics"]["sharpe"])
            transaction.on_commit(lambda: enqueue_backtest_evidence(self.backtest.pk), robust=True)
        bump_version(self.backtest.user_id)

    def fail(self, reason: str) -> None:
        """RUNNING -> FAILED. Raises LeaseLost."""
        self._end(Backtest.Status.FAILED, self.wall_clock(), error=reason)
        bump_version(self.backtest.user_id)

    def _count_trial(self, sharpe_ratio: float | None) -> None:
        """The row of a search was counted by the search, and running the same backtest again is no new trial."""
        own = self.backtest
        if own.candidate_id is None and own.repeats is None:
            ratios = np.array([np.nan if sharpe_ratio is None else sharpe_ratio])
            record(own.user_id, own.symbols, own.timeframe, own.start_date, own.end_date, ratios)

    def _end(self, status: Backtest.Status, now: datetime, **changes: Any) -> None:
        self._write(status=status, stage="", finished_at=now, heartbeat_at=now, **changes)

    def _write(self, **changes: Any) -> None:
        own = Backtest.objects.filter(
            pk=self.backtest.pk, status=Backtest.Status.RUNNING, attempts=self.backtest.attempts
        )
        if own.update(**changes) != 1:
            raise LeaseLost
