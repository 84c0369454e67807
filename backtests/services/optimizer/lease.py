"""The lease of a worker on a chunk of an optimizer run: the claim, and the writes that only the holder may make.

Each write is one conditional UPDATE on the row as this lease left it. A worker loses its lease when the run is
cancelled or the chunk is given to another worker; it then writes nothing more.
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
from backtests.services.lease import LeaseLost
from backtests.services.optimizer.candidates import keep_best, still_there
from backtests.services.optimizer.concurrency import ACTIVE, hand_out
from backtests.services.optimizer.result_shards import delete_shards
from backtests.services.trial_registry import record
from tradedesk.accounts.changes import bump_version
from tradedesk.core.bars import Floats


class Paused(Exception):
    """The run was paused: the chunk goes back to those that wait."""


@dataclass(frozen=True, slots=True)
class ChunkLease:
    """chunk: as it stood at the claim, with its run. wall_clock: tells the wall time of each write."""

    chunk: OptimizerChunk
    wall_clock: Callable[[], datetime]
    claimed_at: datetime

    @classmethod
    def claim(cls, run_id: int, number: int, wall_clock: Callable[[], datetime]) -> Self | None:
        """QUEUED -> RUNNING; None when the chunk is another's or done already, or the run is not to go on."""
        now = wall_clock()
        with transaction.atomic():
            # The run's row first, as everywhere: then two that need both rows never wait for each other.
            going_on = OptimizerRun.objects.filter(pk=run_id, status__in=ACTIVE)
            waiting = OptimizerChunk.objects.filter(run=run_id, number=number, status=OptimizerChunk.Status.QUEUED)
            if not waiting.exists() or not going_on.update(
                status=OptimizerRun.Status.RUNNING, started_at=Coalesce("started_at", now), heartbeat_at=now
            ):
                return None
            taken = {"status": OptimizerChunk.Status.RUNNING, "attempts": F("attempts") + 1, "heartbeat_at": now}
            if not waiting.update(**taken):
                return None
            chunk = OptimizerChunk.objects.select_related("run__user").get(run=run_id, number=number)
        if chunk.run.started_at == now:
            bump_version(chunk.run.user_id)
        return cls(chunk, wall_clock, now)

    def beat(self) -> None:
        """A sign of life. Raises Paused, and LeaseLost."""
        now, run = self.wall_clock(), OptimizerRun.objects.filter(pk=self.chunk.run_id)
        if self._own().update(heartbeat_at=now) != 1:
            raise LeaseLost
        if not run.filter(status=OptimizerRun.Status.RUNNING).update(heartbeat_at=now):
            raise Paused if run.filter(status=OptimizerRun.Status.PAUSED).exists() else LeaseLost

    def give_back(self) -> None:
        """RUNNING -> QUEUED; it was no failure, so it does not count as an lease."""
        run, now = self.chunk.run, self.wall_clock()
        with transaction.atomic():
            # Held, so that one who lets the run go on sees either the chunk waiting or this lease seeing that.
            OptimizerRun.objects.filter(pk=run.pk).update(heartbeat_at=now)
            self._own().update(status=OptimizerChunk.Status.QUEUED, attempts=F("attempts") - 1, heartbeat_at=None)
            hand_out(run, now)

    def complete(self, chosen: Batch, figures: Figures, score: Floats, seen: tuple[date, date]) -> None:
        """RUNNING -> DONE, with the best rows, the ledger and the next chunk in hand, all or nothing.

        seen: the first and the last session. Raises LeaseLost.
        """
        now, run = self.wall_clock(), self.chunk.run
        spent = (now - self.claimed_at).total_seconds()
        with transaction.atomic():
            strategies = still_there(run)
            # Two chunks that end together wait here for each other and nowhere else.
            unfinished = OptimizerRun.objects.filter(pk=run.pk).exclude(status__in=OptimizerRun.FINISHED)
            done = unfinished.update(
                done=F("done") + self.chunk.size, worked=F("worked") + spent, heartbeat_at=now
            )
            is_done = {"status": OptimizerChunk.Status.DONE, "seen_from": seen[0], "seen_until": seen[1]}
            if not done or self._own().update(**is_done, heartbeat_at=now) != 1:
                raise LeaseLost
            keep_best(run, self.chunk.universe, chosen, figures, score, strategies)
            symbols = run.symbols_of(self.chunk.universe)
            record(run.user_id, symbols, run.timeframe, run.start_date, seen[1], figures["sharpe"])
            hand_out(run, now)
        bump_version(run.user_id)

    def fail(self, reason: str) -> None:
        """The run ends here, with the reason. Raises LeaseLost."""
        if self._own().update(heartbeat_at=self.wall_clock()) != 1:
            raise LeaseLost
        fail_run(self.chunk.run_id, self.chunk.run.user_id, reason, self.wall_clock())

    def _own(self) -> QuerySet[OptimizerChunk]:
        return OptimizerChunk.objects.filter(
            pk=self.chunk.pk, status=OptimizerChunk.Status.RUNNING, attempts=self.chunk.attempts
        )


def fail_run(run_id: int, user_id: int, reason: str, wall_now: datetime) -> None:
    """Whatever has not ended, ends as failed."""
    unfinished = OptimizerRun.objects.filter(pk=run_id).exclude(status__in=OptimizerRun.FINISHED)
    if unfinished.update(status=OptimizerRun.Status.FAILED, stage="", error=reason, finished_at=wall_now):
        transaction.on_commit(lambda: delete_shards(run_id), robust=True)
        bump_version(user_id)
