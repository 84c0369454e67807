"""Records the tasks that a test enqueues."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.signals import after_task_publish

Published = list[tuple[str, list[Any]]]


@contextmanager
def published() -> Iterator[Published]:
    """Collects the tasks that are enqueued inside: the last part of the name, and the arguments."""
    tasks: Published = []

    def record(sender: str, body: Any, **_: Any) -> None:
        tasks.append((sender.rpartition(".")[2], list(body[0])))

    after_task_publish.connect(record)
    try:
        yield tasks
    finally:
        after_task_publish.disconnect(record)
