"""Cancelling a backtest: what has not ended, ends now and leaves no result."""

from datetime import datetime

from backtests.models import Backtest
from tradedesk.accounts.changes import touch


def cancel_backtest(backtest: Backtest, wall_now: datetime) -> bool:
    """False when it had already ended. A worker that is at it notices before its next stage and writes nothing."""
    unfinished = Backtest.objects.filter(pk=backtest.pk).exclude(status__in=Backtest.FINISHED)
    cancelled = unfinished.update(status=Backtest.Status.CANCELLED, stage="", finished_at=wall_now) == 1
    if cancelled:
        touch(backtest.user_id)
    return cancelled
