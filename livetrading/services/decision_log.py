"""The retention of the decision log."""

from datetime import datetime

from livetrading.models import BarDecision

ROWS_OF_A_RUN = 5000


def delete_old_decisions(now: datetime) -> int:
    """Delete what was kept long enough at the market time `now`; ROWS_OF_A_RUN at most. Returns the number."""
    old = BarDecision.objects.filter(kept_until__lt=now).order_by("kept_until").values_list("pk", flat=True)
    deleted, _ = BarDecision.objects.filter(pk__in=list(old[:ROWS_OF_A_RUN])).delete()
    return deleted
