"""Heartbeats in the database: who writes them, what they say, and how many stay."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery.signals import beat_init, before_task_publish
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from tradedesk import probe
from tradedesk.monitoring import tasks
from tradedesk.monitoring.heartbeats import (
    forget_old_heartbeats,
    read_heartbeats,
    record_heartbeat,
)
from tradedesk.monitoring.models import Component, Heartbeat
from tradedesk.monitoring.pulse import MAX_AHEAD, MAX_HEARTBEAT_AGE, Pulse, pulse_of

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def ago(*seconds: float) -> list[datetime]:
    return [NOW - timedelta(seconds=each) for each in seconds]


# --- What they say -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "alive"),
    [
        (0, True),
        (MAX_HEARTBEAT_AGE, True),
        (MAX_HEARTBEAT_AGE + 1, False),
        (-MAX_AHEAD, True),
        (-MAX_AHEAD - 1, False),
        (-3600, False),
        (None, False),
    ],
)
def test_silence_is_ill_and_so_is_a_heartbeat_from_the_future(age: float | None, alive: bool) -> None:
    assert Pulse(age).is_alive == alive


@pytest.mark.parametrize(
    ("ages", "best"),
    [((), None), ((400, 3), 3), ((3, -7200), 3), ((400, -7200), 400), ((-7200,), -7200), ((900, 30), 30)],
)
def test_one_living_process_is_enough(ages: tuple[float, ...], best: float | None) -> None:
    assert pulse_of(ago(*ages), NOW) == Pulse(best)


# --- Who writes them ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_each_instance_has_one_row(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    record_heartbeat(Component.WORKER, "celery@one", NOW)
    record_heartbeat(Component.WORKER, "celery@two", NOW)
    with django_assert_num_queries(1):
        record_heartbeat(Component.WORKER, "celery@one", NOW + timedelta(seconds=5))
    # A clock that went back is written as it is: its process knows no other.
    record_heartbeat(Component.WORKER, "celery@two", NOW - timedelta(hours=1))

    assert read_heartbeats()[Component.WORKER] == {
        "celery@one": NOW + timedelta(seconds=5),
        "celery@two": NOW - timedelta(hours=1),
    }


@pytest.mark.django_db
def test_rows_of_processes_that_ended_and_of_a_wrong_clock_are_deleted() -> None:
    for number, minutes in enumerate((-61, -59, 0, 59, 61)):
        record_heartbeat(Component.WORKER, str(number), NOW + timedelta(minutes=minutes))
    forget_old_heartbeats(NOW)
    assert sorted(read_heartbeats()[Component.WORKER]) == ["1", "2", "3"]


@pytest.mark.django_db
@pytest.mark.parametrize("component", ["worker", "urgent", "research", "notifications"])
def test_a_worker_that_runs_the_task_of_its_queue_is_alive(component: str) -> None:
    tasks.heartbeat.apply(args=(component,))
    found = {found for found, instances in read_heartbeats().items() if instances}
    assert found == {component}


def test_beat_sends_a_heartbeat_task_to_each_queue() -> None:
    schedule: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    sent = {
        entry["args"][0]: entry["options"]["queue"]
        for entry in schedule.values()
        if entry["task"] == tasks.HEARTBEAT_TASK
    }
    others = {name: name for name in ("urgent", "research", "notifications")}
    assert sent == {"worker": "celery", **others}


@pytest.mark.django_db
def test_beat_is_alive_from_its_start_and_when_it_sends_the_task() -> None:
    beat_init.send(sender=None)
    assert list(Heartbeat.objects.values_list("component", flat=True)) == ["beat"]
    Heartbeat.objects.all().delete()

    before_task_publish.send(sender="another task")
    assert not Heartbeat.objects.exists()
    # Recorded before the message is sent: a queue that is down is no silence of beat.
    before_task_publish.send(sender=tasks.HEARTBEAT_TASK)
    assert list(Heartbeat.objects.values_list("component", flat=True)) == ["beat"]


@pytest.mark.django_db
def test_a_worker_is_recorded_for_each_queue_that_it_serves() -> None:
    tasks.record_ready(["urgent", "celery", "notifications", "another"], "celery@one")
    found = {component for component, instances in read_heartbeats().items() if instances}
    assert found == {"worker", "urgent", "notifications"}


# --- The check of a container ------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_check_of_a_container_depends_on_the_heartbeat() -> None:
    assert not probe.component_is_healthy("worker", NOW)
    record_heartbeat(Component.WORKER, "celery@one", NOW)
    assert probe.component_is_healthy("worker", NOW + timedelta(seconds=19))
    assert not probe.component_is_healthy("worker", NOW + timedelta(seconds=21))
    assert not probe.component_is_healthy("worker", NOW - timedelta(seconds=30))
    assert not probe.component_is_healthy("beat", NOW)
