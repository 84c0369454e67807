"""Enqueue live trading tasks by name, because the tasks import the services."""

from celery import signature

CHECK_NOW_TASK = "livetrading.tasks.check_now"


def enqueue_check_now(live_id: int) -> None:
    """Enqueue a check of one live strategy. Raises kombu's OperationalError when the queue cannot be reached."""
    signature(CHECK_NOW_TASK, args=(live_id,)).delay()
