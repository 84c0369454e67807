"""Whose turn it is: the queued work of all users, in fair order.

A message says that there is work, and names some. The worker takes what is due by these rules, so a user with many
backtests delays another user's first one by one backtest at most. Each message takes one piece of work, so none is
left over.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from django.db.models import Max

from backtests.models import Backtest, OptimizerChunk
from backtests.services.optimizer.concurrency import ACTIVE

Work = TypeVar("Work", bound=Hashable)
# Looked at in one choice. The limits of each user (room.py) keep what waits below it.
MOST = 2_000
_NEVER = datetime.min.replace(tzinfo=UTC)


def fairest(
    waiting: Iterable[tuple[Work, int]], running: Mapping[int, int], served: Mapping[int, datetime]
) -> Work | None:
    """The piece of work of the user with the fewest running ones; of equals, of the one who was served longest
    ago; of these the first. waiting: work and user id, the oldest first. Pure. None when nothing waits."""
    order = enumerate(waiting)
    chosen = min(
        order, key=lambda at: (running.get(at[1][1], 0), served.get(at[1][1], _NEVER), at[0]), default=None
    )
    return None if chosen is None else chosen[1][0]


def next_backtest(named: int) -> int:
    """The id of the queued backtest whose turn it is; `named`, that of the message, when none is queued."""
    queued = Backtest.objects.filter(status=Backtest.Status.QUEUED)
    waiting = list(queued.order_by("pk").values_list("pk", "user_id")[:MOST])
    users = {user_id for _, user_id in waiting}
    if len(users) <= 1:
        return waiting[0][0] if waiting else named
    running = Counter(
        Backtest.objects.filter(status=Backtest.Status.RUNNING).order_by().values_list("user_id", flat=True)
    )
    served = Backtest.objects.filter(user__in=users, started_at__isnull=False).order_by().values_list("user_id")
    return fairest(waiting, running, dict(served.annotate(Max("started_at")))) or named


def next_chunk(run_id: int, number: int) -> tuple[int, int]:
    """The same for the chunks of optimizer runs: run and number."""
    chunks = OptimizerChunk.objects.filter(run__status__in=ACTIVE).order_by()
    enqueued = chunks.filter(status=OptimizerChunk.Status.QUEUED, heartbeat_at__isnull=False)
    rows = enqueued.order_by("heartbeat_at", "pk").values_list("run_id", "number", "run__user_id")[:MOST]
    waiting = [((run, chunk), user_id) for run, chunk, user_id in rows]
    if len({user_id for _, user_id in waiting}) <= 1:
        return run_id, number
    running = Counter(chunks.filter(status=OptimizerChunk.Status.RUNNING).values_list("run__user_id", flat=True))
    return fairest(waiting, running, {}) or (run_id, number)
