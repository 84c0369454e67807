"""Sending live work to a worker by the name of its task: the tasks import the services, not the other way round."""

from celery import signature

CHECK_NOW_TASK = "livetrading.tasks.check_now"


def enqueue_check_now(live_id: int) -> None:
    """Check one live strategy at once. Raises kombu's OperationalError when the queue cannot be reached."""
    signature(CHECK_NOW_TASK, args=(live_id,)).delay()
