"""What the research workers show of themselves: one that is busy for minutes runs no heartbeat task."""

from datetime import datetime

from django.db.models import Max

from backtests.models import Backtest, OptimizerChunk, OptimizerRun


def last_progress() -> datetime | None:
    """The wall time of the last progress of anything that runs now; None when nothing runs. Two queries."""
    backtests = Backtest.objects.filter(status=Backtest.Status.RUNNING)
    chunks = OptimizerChunk.objects.filter(
        run__status=OptimizerRun.Status.RUNNING, status=OptimizerChunk.Status.RUNNING
    )
    moments = [rows.order_by().aggregate(last=Max("heartbeat_at"))["last"] for rows in (backtests, chunks)]
    return max((moment for moment in moments if moment is not None), default=None)
