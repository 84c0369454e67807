"""Deleting an optimizer run for good."""

from django.db import transaction

from backtests.models import OptimizerRun
from backtests.services.optimizer.parts import delete_files
from tradedesk.accounts.changes import touch


def delete_run(run: OptimizerRun) -> None:
    """Its rows, their evidence and its files go with it, however it stands; what was opened or deployed from a row
    stays, and the ledger of tries goes on counting it. A worker that is at it finds its chunk gone, and leaves
    nothing.
    """
    with transaction.atomic():
        # Locked with its rows, so that nothing new comes to hang on them while all that does is collected.
        for row in OptimizerRun.objects.select_for_update().filter(pk=run.pk):
            list(row.candidates.select_for_update().order_by("pk").values_list("pk", flat=True))
            row.delete()
        transaction.on_commit(lambda: delete_files(run.pk), robust=True)
    touch(run.user_id)
