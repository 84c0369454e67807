"""One attempt at a chunk: the claim, and the writes that only its holder may make.

Each write is one conditional UPDATE on the row as this attempt left it. An attempt whose run was cancelled, or
whose chunk the sweep has given to another worker, has lost it and writes nothing more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.optimizer.choice import Chosen
from backtests.optimizer.figures import Figures
from backtests.services.ledger import record
from backtests.services.optimizer.candidates import keep_best
from tradedesk.accounts.changes import touch
from tradedesk.core.bars import Floats

ACTIVE = (OptimizerRun.Status.QUEUED, OptimizerRun.Status.RUNNING)


class ChunkLost(Exception):
    """The chunk is no longer this attempt's, or its run goes on no more."""


class Paused(Exception):
    """The run was paused: the chunk goes back to those that wait."""


@dataclass(frozen=True, slots=True)
class ChunkAttempt:
    """chunk: as it stood at the claim, with its run. wall_clock: tells the wall time of each write."""

    chunk: OptimizerChunk
    wall_clock: Callable[[], datetime]
    claimed_at: datetime

    @classmethod
    def claim(cls, run_id: int, wall_clock: Callable[[], datetime]) -> Self | None:
        """The next chunk that waits, QUEUED -> RUNNING; None when there is none, or the run is not to go on."""
        now = wall_clock()
        waiting = OptimizerChunk.objects.filter(
            run_id=run_id, status=OptimizerChunk.Status.QUEUED, run__status__in=ACTIVE
        )
        # Another worker may be quicker at the same chunk: then the next one is tried.
        for pk in waiting.order_by("number").values_list("pk", flat=True).iterator(chunk_size=20):
            with transaction.atomic():
                claimed = OptimizerChunk.objects.filter(pk=pk, status=OptimizerChunk.Status.QUEUED).update(
                    status=OptimizerChunk.Status.RUNNING, attempts=F("attempts") + 1, heartbeat_at=now
                )
                if not claimed:
                    continue
                OptimizerRun.objects.filter(pk=run_id, status__in=ACTIVE).update(
                    status=OptimizerRun.Status.RUNNING, started_at=Coalesce("started_at", now), heartbeat_at=now
                )
                chunk = OptimizerChunk.objects.select_related("run__user").get(pk=pk)
            return cls(chunk, wall_clock, now)
        return None

    def beat(self) -> None:
        """A sign of life. Raises Paused, and ChunkLost."""
        now = self.wall_clock()
        if self._own().update(heartbeat_at=now) != 1:
            raise ChunkLost
        status = OptimizerRun.objects.filter(pk=self.chunk.run_id).values_list("status", flat=True).first()
        if status == OptimizerRun.Status.PAUSED:
            raise Paused
        if status != OptimizerRun.Status.RUNNING:
            raise ChunkLost
        OptimizerRun.objects.filter(pk=self.chunk.run_id).update(heartbeat_at=now)

    def give_back(self) -> None:
        """RUNNING -> QUEUED; it was no failure, so it does not count as an attempt."""
        self._own().update(status=OptimizerChunk.Status.QUEUED, attempts=F("attempts") - 1, heartbeat_at=None)

    def complete(self, chosen: Chosen, figures: Figures, score: Floats, tried_until: datetime) -> None:
        """RUNNING -> DONE together with the best rows and the ledger, all or nothing. Raises ChunkLost."""
        now, run = self.wall_clock(), self.chunk.run
        spent = (now - self.claimed_at).total_seconds()
        with transaction.atomic():
            # The run's row first: two chunks that end together wait here for each other and nowhere else.
            unfinished = OptimizerRun.objects.filter(pk=run.pk).exclude(status__in=OptimizerRun.FINISHED)
            done = unfinished.update(
                done=F("done") + self.chunk.size, worked=F("worked") + spent, heartbeat_at=now
            )
            if not done or self._own().update(status=OptimizerChunk.Status.DONE, heartbeat_at=now) != 1:
                raise ChunkLost
            keep_best(run, self.chunk.market, chosen, figures, score)
            symbols = run.symbols_of(self.chunk.market)
            record(run.user_id, symbols, run.timeframe, run.start_date, tried_until.date(), figures["sharpe"])
        touch(run.user_id)

    def fail(self, reason: str) -> None:
        """The run ends here, with the reason. Raises ChunkLost."""
        if self._own().update(heartbeat_at=self.wall_clock()) != 1:
            raise ChunkLost
        fail_run(self.chunk.run_id, self.chunk.run.user_id, reason, self.wall_clock())

    def _own(self) -> QuerySet[OptimizerChunk]:
        return OptimizerChunk.objects.filter(
            pk=self.chunk.pk, status=OptimizerChunk.Status.RUNNING, attempts=self.chunk.attempts
        )


def fail_run(run_id: int, user_id: int, reason: str, wall_now: datetime) -> None:
    """Whatever has not ended, ends as failed."""
    unfinished = OptimizerRun.objects.filter(pk=run_id).exclude(status__in=OptimizerRun.FINISHED)
    if unfinished.update(status=OptimizerRun.Status.FAILED, stage="", error=reason, finished_at=wall_now):
        touch(user_id)
