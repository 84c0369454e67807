"""Deleting a backtest for good."""

from django.db import transaction

from backtests.models import Backtest
from tradedesk.accounts.changes import touch


def delete_backtest(backtest: Backtest) -> None:
    """Its trades, curves and evidence go with it; what was deployed from it trades on with its own snapshot, and
    the ledger of tries goes on counting it. A worker that is at it finds its row gone and writes nothing.
    """
    with transaction.atomic():
        # Locked, so that nothing new comes to hang on the row while all that hangs on it is collected.
        for row in Backtest.objects.select_for_update().filter(pk=backtest.pk):
            row.delete()
    touch(backtest.user_id)
