"""What every line of a task says besides its own words: the task, and the ids that it works on."""

from collections.abc import Sequence
from typing import Any

from celery.signals import task_postrun, task_prerun
from structlog.contextvars import bind_contextvars, clear_contextvars

# Characters; the arguments of the desk's tasks are ids.
LONGEST = 200


@task_prerun.connect
def _task_begins(task_id: str = "", task: Any = None, args: Sequence[Any] = (), **_: Any) -> None:
    clear_contextvars()
    arguments = ", ".join(str(argument) for argument in args)[:LONGEST]
    bind_contextvars(task=getattr(task, "name", ""), task_id=task_id, arguments=arguments)


@task_postrun.connect
def _task_ends(**_: Any) -> None:
    clear_contextvars()
