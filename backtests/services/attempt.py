"""One attempt at running a backtest: the claim, and the writes that only its holder may make.

Each write is one conditional UPDATE on the row as this attempt left it. An attempt that was cancelled, or that the
sweep has given to another worker, has lost the row and writes nothing more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np
from django.db import transaction
from django.db.models import F

from backtests.models import Backtest, BacktestCurve, BacktestTrade
from backtests.services.ledger import record
from backtests.services.queue import enqueue_backtest_evidence
from tradedesk.accounts.changes import touch


class RunLost(Exception):
    """The row is no longer this attempt's."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """backtest: as it stood at the claim. wall_clock: tells the wall time of each write."""

    backtest: Backtest
    wall_clock: Callable[[], datetime]

    @classmethod
    def claim(cls, backtest_id: int, wall_clock: Callable[[], datetime]) -> Self | None:
        """QUEUED -> RUNNING; None when there is nothing to run any more."""
        now = wall_clock()
        # One transaction, so that the attempt's number is read before anyone else can move it.
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
        """What is being done now, and a sign of life. Raises RunLost."""
        self._write(stage=stage, progress=progress, heartbeat_at=self.wall_clock())
        touch(self.backtest.user_id)

    def complete(self, trades: list[BacktestTrade], curve: BacktestCurve, **results: Any) -> None:
        """RUNNING -> COMPLETED together with its rows, all or nothing. Raises RunLost."""
        now = self.wall_clock()
        with transaction.atomic():
            self._end(Backtest.Status.COMPLETED, now, progress=100, **results)
            BacktestTrade.objects.bulk_create(trades, batch_size=500)
            curve.save(force_insert=True)
            self._enter_the_ledger(results["metrics"]["sharpe_ratio"])
            transaction.on_commit(lambda: enqueue_backtest_evidence(self.backtest.pk), robust=True)
        touch(self.backtest.user_id)

    def fail(self, reason: str) -> None:
        """RUNNING -> FAILED. Raises RunLost."""
        self._end(Backtest.Status.FAILED, self.wall_clock(), error=reason)
        touch(self.backtest.user_id)

    def _enter_the_ledger(self, sharpe_ratio: float | None) -> None:
        """A row of a search was counted when it was tried, and running the same again is no other try."""
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
            raise RunLost
