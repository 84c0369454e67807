"""Find the live strategies whose check is due, and claim them so that each is checked once."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from livetrading.models import LiveStrategy

# A check that has not ended after this time is dispatched again.
LEASE = timedelta(seconds=30)
CHUNK = 25


def claim_due(now: datetime, wall_now: datetime, only: Iterable[int] | None = None) -> list[list[int]]:
    """Claim the live strategies that are due at the market time `now`. Returns their ids in chunks of one
    timeframe.

    only: claim these live strategies, whether due or not; a new deployment is checked immediately.
    """
    free = Q(claimed_until=None) | Q(claimed_until__lt=wall_now)
    selected = Q(next_check_at__lte=now) if only is None else Q(pk__in=list(only))
    due = LiveStrategy.objects.filter(free, selected, status=LiveStrategy.Status.ACTIVE)
    ids = list(due.order_by("next_check_at").values_list("pk", flat=True)[:1000])
    if not ids:
        return []
    # The end of the lease identifies the rows that this UPDATE has claimed.
    until = wall_now + LEASE
    if not LiveStrategy.objects.filter(free, selected, pk__in=ids, status=LiveStrategy.Status.ACTIVE).update(
        claimed_until=until
    ):
        return []
    claimed = LiveStrategy.objects.filter(pk__in=ids, claimed_until=until)
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    # Strategies of one user share an account, so they are checked in one chunk instead of blocking each other.
    for pk, timeframe, user_id in claimed.order_by("user_id", "pk").values_list("pk", "timeframe", "user_id"):
        groups[(timeframe, user_id)].append(pk)
    chunks: dict[str, list[list[int]]] = defaultdict(lambda: [[]])
    for (timeframe, _), pks in groups.items():
        if len(chunks[timeframe][-1]) + len(pks) > CHUNK and chunks[timeframe][-1]:
            chunks[timeframe].append([])
        chunks[timeframe][-1].extend(pks)
    return [chunk for of_timeframe in chunks.values() for chunk in of_timeframe if chunk]
