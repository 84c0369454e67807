"""The heartbeat task: it records beat when beat sends it, and a worker when the worker runs it."""

import logging
import socket
from typing import Any

from celery import Task, shared_task
from celery.signals import beat_init, before_task_publish, worker_ready
from django.conf import settings
from django.db import DatabaseError, connections
from django.utils import timezone

from tradedesk.monitoring.health import reader
from tradedesk.monitoring.heartbeats import forget_old_heartbeats, record_heartbeat
from tradedesk.monitoring.models import Component
from tradedesk.monitoring.stored import store_health
from tradedesk.publishing import publish

log = logging.getLogger(__name__)

HEARTBEAT_TASK = "tradedesk.tasks.heartbeat"
STORE_TASK = "tradedesk.monitoring.tasks.store_health"


@shared_task(name=HEARTBEAT_TASK, bind=True)
def heartbeat(task: "Task[..., None]", component: str = Component.WORKER) -> None:
    """Run by a worker of the component's queue."""
    wall_now = timezone.now()
    record_heartbeat(Component(component), task.request.hostname or socket.gethostname(), wall_now)
    if component == Component.WORKER:
        forget_old_heartbeats(wall_now)


@shared_task(name=STORE_TASK)
def store() -> None:
    """What every page shows of the desk's health."""
    wall_now = timezone.now()
    store_health(reader.read(wall_now), wall_now)


def record_ready(queues: Any, instance: str) -> None:
    """A worker has begun to serve these queues. It raises nothing: a worker without this record works, too."""
    components = {
        settings.CELERY_TASK_DEFAULT_QUEUE: Component.WORKER,
        settings.URGENT_QUEUE: Component.URGENT,
        settings.RESEARCH_QUEUE: Component.RESEARCH,
        settings.NOTIFICATION_QUEUE: Component.NOTIFICATIONS,
    }
    try:
        for queue in queues:
            if queue in components:
                record_heartbeat(components[queue], instance, timezone.now())
    except DatabaseError:
        log.warning("The first heartbeat of %s could not be written.", instance, exc_info=True)
    if settings.CELERY_TASK_DEFAULT_QUEUE in queues:
        publish(STORE_TASK, [()])
    _close_connections()


@worker_ready.connect
def worker_is_ready(sender: Any = None, **_: Any) -> None:
    if sender is not None:
        record_ready(sender.app.amqp.queues.consume_from, sender.hostname)


@beat_init.connect
def beat_is_ready(**_: Any) -> None:
    record_heartbeat(Component.BEAT, socket.gethostname(), timezone.now())


@before_task_publish.connect(sender=HEARTBEAT_TASK)
def beat_sends_heartbeat(**_: Any) -> None:
    # Only beat sends this task. It is recorded before the queue is used, so a queue that is down is no silence.
    record_heartbeat(Component.BEAT, socket.gethostname(), timezone.now())


def _close_connections() -> None:
    """The thread that starts a worker needs the database no more."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()
