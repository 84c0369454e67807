"""The heartbeat task: it records beat when beat sends it, and the worker when the worker runs it."""

from typing import Any

from celery import shared_task
from celery.signals import beat_init, before_task_publish, worker_ready
from django.utils import timezone

from tradedesk.heartbeat import record_heartbeat


@shared_task(name="tradedesk.tasks.heartbeat")
def heartbeat() -> None:
    record_heartbeat("worker", timezone.now())


@worker_ready.connect
def worker_is_ready(sender: Any = None, **_: Any) -> None:
    # The heartbeat task is in the queue of the worker that trades, so only that one counts as the worker.
    if not str(getattr(sender, "hostname", "")).startswith(("research@", "urgent@")):
        record_heartbeat("worker", timezone.now())


@beat_init.connect
def beat_is_ready(**_: Any) -> None:
    record_heartbeat("beat", timezone.now())


@before_task_publish.connect(sender="tradedesk.tasks.heartbeat")
def beat_sends_heartbeat(**_: Any) -> None:
    # Only beat sends this task.
    record_heartbeat("beat", timezone.now())
