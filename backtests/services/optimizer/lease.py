"""The lease of a worker on a chunk of an optimizer run: the claim, and the writes that only its holder may make.

Each write is one conditional UPDATE on the row as the lease last wrote it. A worker loses its lease when the run
is cancelled or the chunk is given to another worker; it then writes nothing more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.research.optimizer.figures import Figures
from backtests.research.optimizer.sampling import Batch
from backtests.research.robustness.trials import Trials
from backtests.services.lease import LeaseLost
from backtests.services.optimizer.candidates import keep_best, lock_existing_strategies
from backtests.services.optimizer.concurrency import ACTIVE, enqueue_next
from backtests.services.optimizer.result_shards import delete_shards
from backtests.services.trial_registry import register_trials
from tradedesk.accounts.changes import bump_version
from tradedesk.core.bars import Floats


class Paused(Exception):
    """The run was paused: the worker must release its chunk."""


@dataclass(frozen=True, slots=True)
class ChunkLease:
    """chunk: the row as of the claim, with its run. wall_clock: returns the wall time of each write."""

    chunk: OptimizerChunk
    wall_clock: Callable[[], datetime]
    claimed_at: datetime

    @classmethod
    def claim(cls, run_id: int, number: int, wall_clock: Callable[[], datetime]) -> Self | None:
        """QUEUED -> RUNNING; None when the chunk is claimed or done, or the run is paused or has ended."""
        now = wall_clock()
        with transaction.atomic():
            # The run's row is always locked first, so that two workers cannot deadlock.
            active = OptimizerRun.objects.filter(pk=run_id, status__in=ACTIVE)
            queued = OptimizerChunk.objects.filter(run=run_id, number=number, status=OptimizerChunk.Status.QUEUED)
            if not queued.exists() or not active.update(
                status=OptimizerRun.Status.RUNNING, started_at=Coalesce("started_at", now), heartbeat_at=now
            ):
                return None
            claim = {"status": OptimizerChunk.Status.RUNNING, "attempts": F("attempts") + 1, "heartbeat_at": now}
            if not queued.update(**claim):
                return None
            chunk = OptimizerChunk.objects.select_related("run__user").get(run=run_id, number=number)
        if chunk.run.started_at == now:
            bump_version(chunk.run.user_id)
        return cls(chunk, wall_clock, now)

    def heartbeat(self) -> None:
        """Store the time on the chunk and on the run. Raises Paused and LeaseLost."""
        now, run = self.wall_clock(), OptimizerRun.objects.filter(pk=self.chunk.run_id)
        if self._held().update(heartbeat_at=now) != 1:
            raise LeaseLost
        if not run.filter(status=OptimizerRun.Status.RUNNING).update(heartbeat_at=now):
            raise Paused if run.filter(status=OptimizerRun.Status.PAUSED).exists() else LeaseLost

    def release(self) -> None:
        """RUNNING -> QUEUED; it was no failure, so it does not count as an attempt."""
        run, now = self.chunk.run, self.wall_clock()
        with transaction.atomic():
            # Locks the run: a concurrent resume then either sees the chunk queued, or enqueue_next sees the run
            # active.
            OptimizerRun.objects.filter(pk=run.pk).update(heartbeat_at=now)
            self._held().update(status=OptimizerChunk.Status.QUEUED, attempts=F("attempts") - 1, heartbeat_at=None)
            enqueue_next(run, now)

    def complete(
        self, batch: Batch, figures: Figures, score: Floats, trials: Trials, sessions: tuple[date, date]
    ) -> None:
        """RUNNING -> DONE, with the candidates, the trial registry and the next chunk in one transaction.

        sessions: the first and the last one that were used. Raises LeaseLost.
        """
        now, run = self.wall_clock(), self.chunk.run
        spent = (now - self.claimed_at).total_seconds()
        with transaction.atomic():
            strategies = lock_existing_strategies(run)
            # Two chunks that complete at the same time wait for each other only here.
            unfinished = OptimizerRun.objects.filter(pk=run.pk).exclude(status__in=OptimizerRun.FINISHED)
            done = unfinished.update(
                done=F("done") + self.chunk.size, worker_seconds=F("worker_seconds") + spent, heartbeat_at=now
            )
            is_done = {"status": OptimizerChunk.Status.DONE, "used_from": sessions[0], "used_until": sessions[1]}
            if not done or self._held().update(**is_done, heartbeat_at=now) != 1:
                raise LeaseLost
            keep_best(run, self.chunk.universe, batch, figures, score, strategies)
            symbols = run.symbols_of(self.chunk.universe)
            register_trials(
                run.user_id, symbols, run.timeframe, run.start_on(self.chunk.universe), sessions[1], trials
            )
            enqueue_next(run, now)
        bump_version(run.user_id)

    def fail(self, reason: str) -> None:
        """Fail the whole run, with the reason. Raises LeaseLost."""
        if self._held().update(heartbeat_at=self.wall_clock()) != 1:
            raise LeaseLost
        fail_run(self.chunk.run_id, self.chunk.run.user_id, reason, self.wall_clock())

    def _held(self) -> QuerySet[OptimizerChunk]:
        return OptimizerChunk.objects.filter(
            pk=self.chunk.pk, status=OptimizerChunk.Status.RUNNING, attempts=self.chunk.attempts
        )


def fail_run(run_id: int, user_id: int, reason: str, wall_now: datetime) -> None:
    """Fail a run that has not ended, with the reason. Its chunks that were running are not done: they are queued
    again, and nothing runs the chunks of a run that has ended."""
    unfinished = OptimizerRun.objects.filter(pk=run_id).exclude(status__in=OptimizerRun.FINISHED)
    if unfinished.update(status=OptimizerRun.Status.FAILED, stage="", error=reason, finished_at=wall_now):
        running = OptimizerChunk.objects.filter(run=run_id, status=OptimizerChunk.Status.RUNNING)
        running.update(status=OptimizerChunk.Status.QUEUED, heartbeat_at=None)
        transaction.on_commit(lambda: delete_shards(run_id), robust=True)
        bump_version(user_id)
