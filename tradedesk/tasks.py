"""The heartbeat: beat stamps it when it asks, the worker when it answers."""

from typing import Any

from celery import shared_task
from celery.signals import beat_init, before_task_publish, worker_ready
from django.utils import timezone

from tradedesk.heartbeat import beat_once


@shared_task(name="tradedesk.tasks.heartbeat")
def heartbeat() -> None:
    beat_once("worker", timezone.now())


@worker_ready.connect
def worker_is_ready(sender: Any = None, **_: Any) -> None:
    # A worker that does research alone trades nothing, and does not stand in for the one that does.
    if not str(getattr(sender, "hostname", "")).startswith("research@"):
        beat_once("worker", timezone.now())


@beat_init.connect
def beat_is_ready(**_: Any) -> None:
    beat_once("beat", timezone.now())


@before_task_publish.connect(sender="tradedesk.tasks.heartbeat")
def beat_asks(**_: Any) -> None:
    # Only beat ever publishes this task.
    beat_once("beat", timezone.now())
