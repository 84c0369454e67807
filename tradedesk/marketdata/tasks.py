from celery import shared_task
from django.utils import timezone

from tradedesk.marketdata import replay


@shared_task(name="tradedesk.marketdata.tasks.advance_replay")
def advance_replay() -> None:
    """Let the replay market go on, if its present session has been shown long enough."""
    replay.advance(timezone.now())
