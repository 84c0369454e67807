"""Records the tasks that a test enqueues, or refuses them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from celery import Celery
from celery.signals import after_task_publish
from kombu.exceptions import OperationalError

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


def refuse_publishing(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the queue cannot be reached."""

    def refuse(*_: object, **__: object) -> None:
        raise OperationalError("Connection refused.")

    monkeypatch.setattr(Celery, "send_task", refuse)
