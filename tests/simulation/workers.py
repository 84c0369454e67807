"""Workers: each runs one task as a greenlet, and may be held up or killed at any of its points.

A point is a statement of the database or a call of a broker. At a point outside a transaction another worker may
run; inside one nobody else does, because all workers share one connection: PostgreSQL's row locks give the same
order. A killed worker executes nothing more, not even what `finally` asks for, and its transaction is rolled back.
"""

from collections.abc import Callable
from typing import Any

from django.db import connection
from greenlet import getcurrent, greenlet

from tests.simulation.violation import Violation


class Killed(BaseException):
    """The process of the worker ended, as by SIGKILL."""


class Worker(greenlet):  # type: ignore[misc]  # it has no stubs
    """points: how many points it may pass before it is held up; None for no limit. life: how many before it is
    killed; None when it is not. order_began: the moment at which it began with its present order, or last had
    an answer to a look-up. token: that it has claimed this order with."""

    def __init__(self, name: str, task: Callable[[], object]) -> None:
        super().__init__(self._run)
        self.name, self.task = name, task
        self.points: int | None = None
        self.life: int | None = None
        self.order_began, self.token = 0, ""
        self.passed = 0
        self.was_killed = False
        self.error: BaseException | None = None

    def _run(self) -> None:
        try:
            self.task()
        except Killed:
            pass
        except (Exception, Violation) as error:
            self.error = error

    def go_on(self, points: int | None = None, life: int | None = None) -> bool:
        """Run until the end, or until it is held up or killed. Returns whether it has ended."""
        self.points, self.life = points, life
        self.switch()
        return bool(self.dead)

    def kill(self) -> None:
        self.was_killed = True
        if not self.dead:
            self.switch()

    def pass_point(self, *, may_wait: bool) -> None:
        if self.was_killed:
            raise Killed
        self.passed += 1
        if self.life is not None:
            self.life -= 1
            if self.life < 0:
                self.was_killed = True
                raise Killed
        if self.points is not None:
            self.points -= 1
            if self.points < 0 and may_wait:
                assert self.parent is not None
                self.parent.switch()
                if self.was_killed:
                    raise Killed


def pass_point() -> None:
    """The present worker has reached a point."""
    worker = getcurrent()
    if isinstance(worker, Worker):
        worker.pass_point(may_wait=not connection.in_atomic_block)


def at_statement(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
    """A wrapper of Django's database statements (connection.execute_wrappers)."""
    if not sql.startswith("ROLLBACK"):  # a database rolls back what a killed process has begun
        pass_point()
    return execute(sql, params, many, context)


def present() -> Worker | None:
    worker = getcurrent()
    return worker if isinstance(worker, Worker) else None
