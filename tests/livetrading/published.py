"""What was handed to the queue while a test looked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery.signals import after_task_publish

Published = list[tuple[str, list[Any]]]


@contextmanager
def published() -> Iterator[Published]:
    """The tasks that are handed to the queue inside, by the last part of their names, each with its arguments."""
    found: Published = []

    def note(sender: str, body: Any, **_: Any) -> None:
        found.append((sender.rpartition(".")[2], list(body[0])))

    after_task_publish.connect(note)
    try:
        yield found
    finally:
        after_task_publish.disconnect(note)
