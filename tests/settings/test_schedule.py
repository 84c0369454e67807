"""The beat schedule, as the database scheduler stores it."""

from typing import Any

import pytest
from django.conf import settings
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from tradedesk.celery import app


def test_every_scheduled_task_exists() -> None:
    app.loader.import_default_modules()

    assert {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} <= set(app.tasks)


@pytest.mark.django_db(transaction=True)  # the scheduler closes connections between its transactions
def test_the_scheduler_stores_the_intervals_and_expiries_of_the_settings() -> None:
    # It silently drops fractions of a second (0.5 becomes 0, which means no pause) and ignores `expires`.
    DatabaseScheduler(app=app)

    stored = {
        task.name: (task.interval.every, task.interval.period, task.expire_seconds)
        for task in PeriodicTask.objects.select_related("interval")
    }
    named: dict[str, dict[str, Any]] = settings.CELERY_BEAT_SCHEDULE
    assert stored == {
        name: (entry["schedule"], "seconds", entry["options"]["expire_seconds"]) for name, entry in named.items()
    }
    assert all(expiry is not None and every >= 1 for every, _, expiry in stored.values())
