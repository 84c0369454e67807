"""Cancelling and deleting backtests."""

from datetime import datetime

from django.db import transaction

from backtests.models import Backtest
from tradedesk.accounts.changes import bump_version


def cancel_backtest(backtest: Backtest, wall_now: datetime) -> bool:
    """End a backtest without a result; False when it has already ended. Its worker loses the lease and writes
    nothing."""
    unfinished = Backtest.objects.filter(pk=backtest.pk).exclude(status__in=Backtest.FINISHED)
    cancelled = unfinished.update(status=Backtest.Status.CANCELLED, stage="", finished_at=wall_now) == 1
    if cancelled:
        bump_version(backtest.user_id)
    return cancelled


def delete_backtest(backtest: Backtest) -> None:
    """Delete a backtest with its trades, curves and evidence.

    A deployment made from it continues with its own snapshot, and the trial registry still counts it. A worker
    that runs it loses its lease and writes nothing.
    """
    with transaction.atomic():
        # Locked, so that no row that refers to it is created while Django collects the rows to delete.
        for row in Backtest.objects.select_for_update().filter(pk=backtest.pk):
            row.delete()
    bump_version(backtest.user_id)
