"""Celery tasks of the desk as a whole."""

from celery import shared_task
from django.utils import timezone

from tradedesk.backup.nightly import make_if_due


@shared_task
def make_nightly_backup() -> None:
    """Sent every minute: a lost message, or a night without the desk, delays a backup and loses none."""
    make_if_due(timezone.now())
