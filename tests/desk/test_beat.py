"""Beat goes on when the database comes back and when the clock jumps."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler

from tradedesk.beat import DeskEntry, DeskScheduler
from tradedesk.celery import app

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def beat(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeskScheduler]:
    """It publishes nothing."""
    monkeypatch.setattr(DeskScheduler, "apply_entry", lambda self, entry, producer=None: None)
    scheduler = DeskScheduler(app=app)
    yield scheduler
    scheduler._finalize.cancel()


def longest_wait(beat: DeskScheduler) -> float:
    """How much later than its interval a task runs at the latest, in seconds."""
    return float(max(entry.is_due().next - entry.schedule.seconds for entry in beat.schedule.values()))


def test_after_a_jump_back_each_task_runs_within_its_interval(beat: DeskScheduler) -> None:
    beat.tick()
    for entry in beat.schedule.values():
        entry.last_run_at = entry.model.last_run_at = entry.last_run_at + DAY
    beat.populate_heap()
    beat._seen = time.time() + DAY.total_seconds()
    assert longest_wait(beat) > 1000
    assert beat.tick() <= beat.max_interval
    assert longest_wait(beat) < 1
    now = time.time()
    assert all(event.time <= now + 601 for event in beat._heap)


def test_a_beat_that_starts_after_a_jump_back_reads_no_run_in_the_future(beat: DeskScheduler) -> None:
    future = beat.app.now() + DAY
    assert PeriodicTask.objects.update(last_run_at=future)
    again = DeskScheduler(app=app)
    again._finalize.cancel()
    assert longest_wait(again) < 1


@pytest.mark.parametrize("error", [OperationalError("away"), DatabaseError("away"), InterfaceError("closed")])
def test_an_error_of_the_database_does_not_end_it(
    beat: DeskScheduler, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> float:
        raise error

    with monkeypatch.context() as away:
        away.setattr(DatabaseScheduler, "all_as_schedule", fail)
        beat._last_full_sync -= DAY  # it reads the schedule now
        assert beat.tick() == beat.max_interval
    assert beat.tick() <= beat.max_interval
    assert longest_wait(beat) < 1


def test_it_goes_on_with_a_new_connection_when_the_server_ends_its_own(beat: DeskScheduler) -> None:
    name = connection.settings_dict["NAME"]
    for _ in range(3):
        PeriodicTask.objects.count()
        with psycopg.connect(os.environ["TEST_DATABASE_URL"], autocommit=True) as server:
            ended = server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            ).fetchall()
        assert ended
        beat._last_full_sync -= DAY
        assert beat.tick() <= beat.max_interval
        assert beat.tick() <= beat.max_interval
    assert longest_wait(beat) < 1


def test_a_start_that_loses_its_connection_stores_its_schedule_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DeskScheduler, "apply_entry", lambda self, entry, producer=None: None)
    from_entry, failed = DeskEntry.from_entry, list[str]()

    def lost_once(name: str, *args: object, **kwargs: object) -> object:
        if not failed:
            failed.append(name)
            assert connection.connection is not None
            connection.connection.close()
        return from_entry(name, *args, **kwargs)

    monkeypatch.setattr(DeskEntry, "from_entry", lost_once)
    beat = DeskScheduler(app=app)
    beat._finalize.cancel()
    assert failed
    beat.tick()
    assert set(app.conf.beat_schedule) <= set(PeriodicTask.objects.values_list("name", flat=True))
    assert {event.entry.name for event in beat._heap} >= set(app.conf.beat_schedule)
