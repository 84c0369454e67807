"""Celery's beat, so that it goes on when the database comes back and when the clock jumps.

The scheduler in the database ends with an error that it meets while it reads the schedule, and it does not run a
task again before the wall time of the last run has passed: after a jump of the clock to the past by a day it
would wait for a day.
"""

import logging
import time
from datetime import datetime
from typing import Any

from celery import Celery
from django.db import DatabaseError, InterfaceError, close_old_connections
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from tradedesk.database_check import refuse_for_command

# A change of the schedule is noticed after this time; the class below asks the database several times a tick.
SECONDS_BETWEEN_LOOKS = 5.0
log = logging.getLogger(__name__)


class DeskEntry(ModelEntry):  # type: ignore[misc]  # the library has no types
    """A task of the schedule that has not run in the future."""

    last_run_at: datetime

    def __init__(self, model: PeriodicTask, app: Celery | None = None) -> None:
        super().__init__(model, app=app)
        self.forget_future()

    def forget_future(self) -> None:
        now = self._default_now()
        if self.last_run_at > now:
            self.last_run_at = self.model.last_run_at = now


class DeskScheduler(DatabaseScheduler):  # type: ignore[misc]  # the library has no types
    Entry = DeskEntry
    _seen = 0.0  # the wall time of the last tick
    _unstored: dict[str, Any] = {}  # the tasks that are not yet in the database
    _heap: Any
    _look_at = 0.0  # by the monotonic clock: when to ask the database for changes

    def setup_schedule(self) -> None:
        """A beat of an older version ends with the reason before it writes."""
        refuse_for_command(["celery", "beat"])
        super().setup_schedule()

    def update_from_dict(self, mapping: dict[str, Any]) -> None:
        """The class above only logs what it cannot store, and never runs it: the next tick tries again."""
        super().update_from_dict(mapping)
        self._unstored = mapping
        try:
            stored = set(PeriodicTask.objects.filter(name__in=mapping).values_list("name", flat=True))
            self._unstored = {name: entry for name, entry in mapping.items() if name not in stored}
        except (DatabaseError, InterfaceError):
            log.exception("Beat could not use the database; it tries again.")
            close_old_connections()

    def schedule_changed(self) -> bool:
        """Whether somebody has changed the schedule."""
        now = time.monotonic()
        if now < self._look_at:
            return False
        self._look_at = now + SECONDS_BETWEEN_LOOKS
        changed: bool = super().schedule_changed()
        return changed

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Run what is due. Returns the seconds until the next tick."""
        now = time.time()
        if now < self._seen:
            log.warning("The clock went back by %.0f s: the schedule of beat starts over.", self._seen - now)
            self._begin_anew()
        self._seen = now
        try:
            if self._unstored:
                self.update_from_dict(self._unstored)
                self._heap = None
            seconds: float = super().tick(*args, **kwargs)
        except (DatabaseError, InterfaceError):
            log.exception("Beat could not use the database; it tries again.")
            close_old_connections()
            self._heap = None
            return float(self.max_interval)
        return seconds

    def _begin_anew(self) -> None:
        for entry in (self._schedule or {}).values():
            entry.forget_future()
        # The heap has the times at which the tasks were due by the clock before.
        self._heap = None
        self._last_full_sync = datetime.now()  # noqa: DTZ005 - as in the class above
