from celery import shared_task
from django.utils import timezone

from tradedesk.marketdata import replay


@shared_task(name="tradedesk.marketdata.tasks.advance_replay")
def advance_replay() -> None:
    """Move the replay to its next session, once the current one has been shown long enough."""
    replay.advance(timezone.now())
