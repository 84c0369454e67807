from celery import shared_task
from django.utils import timezone

from tradedesk.marketdata import replay, uploads


@shared_task(name="tradedesk.marketdata.tasks.advance_replay")
def advance_replay() -> None:
    """Move the replay to its next session, once the current one has been shown long enough."""
    replay.advance(timezone.now())


@shared_task(name="tradedesk.marketdata.tasks.delete_old_uploads")
def delete_old_uploads() -> None:
    """Delete files that were sent and neither imported nor discarded."""
    uploads.delete_old(timezone.now())
