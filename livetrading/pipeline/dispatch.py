"""Finding the live strategies whose check is due, and claiming them so that each is checked once."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Q

from livetrading.models import LiveStrategy

# A claim outlives its worker this long; then the check is handed out again.
CLAIM = timedelta(seconds=30)
CHUNK = 25


def claim_due(now: datetime, wall_now: datetime, only: Iterable[int] | None = None) -> list[list[int]]:
    """Claim what is due at the market's time `now` and answer it in chunks that share timeframe and provider.

    `only` claims among these live strategies, due or not: a deployment is checked at once.
    """
    free = Q(claimed_until=None) | Q(claimed_until__lt=wall_now)
    wanted = Q(next_check_at__lte=now) if only is None else Q(pk__in=list(only))
    due = LiveStrategy.objects.filter(free, wanted, status=LiveStrategy.Status.ACTIVE)
    ids = list(due.order_by("next_check_at").values_list("pk", flat=True)[:1000])
    if not ids:
        return []
    # wall_now + CLAIM is this claim's mark: what the conditional UPDATE changed is what carries it.
    until = wall_now + CLAIM
    if not LiveStrategy.objects.filter(free, wanted, pk__in=ids, status=LiveStrategy.Status.ACTIVE).update(
        claimed_until=until
    ):
        return []
    claimed = LiveStrategy.objects.filter(pk__in=ids, claimed_until=until)
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    # One user's strategies share an account and so a chunk: they would only wait for each other.
    for pk, timeframe, user_id in claimed.order_by("user_id", "pk").values_list("pk", "timeframe", "user_id"):
        groups[(timeframe, user_id)].append(pk)
    chunks: dict[str, list[list[int]]] = defaultdict(lambda: [[]])
    for (timeframe, _), pks in groups.items():
        if len(chunks[timeframe][-1]) + len(pks) > CHUNK and chunks[timeframe][-1]:
            chunks[timeframe].append([])
        chunks[timeframe][-1].extend(pks)
    return [chunk for lists in chunks.values() for chunk in lists if chunk]
