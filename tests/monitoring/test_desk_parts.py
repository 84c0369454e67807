"""The parts of the desk that are no app's, and what each says when it is ill."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from celery import Celery
from django.conf import settings
from django.db import connection, connections
from django.db.migrations.recorder import MigrationRecorder

from tradedesk.monitoring import desk_parts, schema
from tradedesk.monitoring.deadlines import Watch, run
from tradedesk.monitoring.findings import Finding, Probe, State, probes
from tradedesk.monitoring.heartbeats import record_heartbeat
from tradedesk.monitoring.models import Component, WriteCheck

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
GIGABYTE = 1024**3


def probe_of(part: str) -> Probe:
    return next(probe for probe in probes() if part in probe.parts)


def look(part: str, wall_now: datetime = NOW) -> Finding:
    return run(probe_of(part), wall_now)[part]


# --- The database ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_database_is_ok_when_it_takes_a_write() -> None:
    assert look("database").state == State.OK
    assert look("database", NOW + timedelta(seconds=5)).state == State.OK
    assert list(WriteCheck.objects.values_list("at", flat=True)) == [NOW + timedelta(seconds=5)]


@pytest.mark.django_db
def test_a_database_that_only_reads_is_ill() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute("SELECT 1")
    assert look("database").state == State.ERROR


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that accepts connections and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        yield listener.getsockname()[1]


@pytest.mark.django_db
def test_a_database_that_accepts_and_does_not_answer_holds_up_nothing_else(
    silent_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The connections of the looks are new ones.
    monkeypatch.setitem(connections.settings["default"], "HOST", "127.0.0.1")
    monkeypatch.setitem(connections.settings["default"], "PORT", str(silent_server))
    begun = time.monotonic()
    found = Watch().ask(probes(), NOW, 1.0)
    assert time.monotonic() - begun < 10  # far less than the hanging connections take together
    answered = {"broker", "disk"}
    assert {part for part, finding in found.items() if "No answer" not in finding.text} == answered
    assert {finding.state for part, finding in found.items() if part not in answered} == {State.ERROR}
    assert {"database", "worker", "market", "checks", "schema_version"} <= found.keys()


# --- The message queue -------------------------------------------------------------------------------------


def broker_at(port: int, monkeypatch: pytest.MonkeyPatch) -> Finding:
    app = Celery(broker=f"redis://127.0.0.1:{port}/0", set_as_current=False)
    monkeypatch.setattr(desk_parts, "current_app", app)
    return Watch().ask([probe_of("broker")], NOW, 0.5)["broker"]


def test_a_message_queue_that_is_not_reachable_is_ill(monkeypatch: pytest.MonkeyPatch) -> None:
    assert broker_at(1, monkeypatch).state == State.ERROR


def test_a_message_queue_that_never_answers_is_ill(silent_server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert broker_at(silent_server, monkeypatch).state == State.ERROR


def test_a_message_queue_that_answers_is_ok() -> None:
    assert look("broker").state == State.OK


# --- The processes -----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_processes_are_ok_with_fresh_heartbeats() -> None:
    for component in Component:
        record_heartbeat(component, "one", NOW)
    found = run(probe_of("worker"), NOW + timedelta(seconds=20))
    assert {part: finding.state for part, finding in found.items()} == dict.fromkeys(Component, State.OK)


@pytest.mark.django_db
def test_without_research_and_notifications_the_desk_trades() -> None:
    found = run(probe_of("worker"), NOW)
    assert {part: finding.state for part, finding in found.items()} == {
        "beat": State.ERROR,
        "worker": State.ERROR,
        "urgent": State.ERROR,
        "research": State.WARNING,
        "notifications": State.WARNING,
    }


@pytest.mark.parametrize(("age", "state"), [(200, State.OK), (201, State.WARNING)])
def test_a_worker_that_waits_for_the_servers_of_others_lives(age: float, state: State) -> None:
    found = desk_parts.judge(Component.NOTIFICATIONS, {"one": NOW - timedelta(seconds=age)}, NOW)
    assert found.state == state


@pytest.mark.parametrize(
    ("age", "state", "words"),
    [
        (20, State.OK, "Heartbeat 20 s ago."),
        (21, State.ERROR, "No heartbeat for 21 s. Restart it: celery -A tradedesk beat"),
        (-600, State.ERROR, "600 s in the future: a clock has jumped"),
    ],
)
def test_what_a_heartbeat_says(age: float, state: State, words: str) -> None:
    found = desk_parts.judge(Component.BEAT, {"one": NOW - timedelta(seconds=age)}, NOW)
    assert found.state == state
    assert words in found.text


def test_the_advice_starts_a_worker_of_every_queue() -> None:
    queues = {settings.CELERY_TASK_DEFAULT_QUEUE} | {
        route["queue"] for route in settings.CELERY_TASK_ROUTES.values()
    }
    advice = [desk_parts.judge(component, {}, NOW).text for component in Component]
    named = [text.partition(" -Q ")[2] for text in advice if " -Q " in text]
    assert {queue for names in named for queue in names.split(",")} == queues


# --- Disk and tables ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "state"),
    [(50 * GIGABYTE, State.OK), (GIGABYTE, State.WARNING), (GIGABYTE // 10, State.ERROR), (0, State.ERROR)],
)
def test_free_space(free: int, state: State) -> None:
    assert desk_parts.judge_space(free).state == state
    assert look("disk").state <= State.ERROR


@pytest.mark.django_db
def test_the_tables_of_this_version_are_ok() -> None:
    assert look("schema_version").state == State.OK


@pytest.mark.django_db
def test_a_database_without_a_migration_is_ill() -> None:
    MigrationRecorder.Migration.objects.filter(app="accounts", name="0001_initial").delete()
    found = look("schema_version")
    assert found.state == State.ERROR
    assert "accounts 0001_initial" in found.text
    assert "manage.py migrate" in found.text


@pytest.mark.django_db
def test_a_database_of_a_newer_version_is_ill() -> None:
    MigrationRecorder.Migration.objects.create(app="livetrading", name="9999_later")
    assert schema.foreign_migrations() == {("livetrading", "9999_later")}
    assert look("schema_version").state == State.ERROR


@pytest.mark.django_db
def test_migrations_of_apps_that_are_not_installed_do_not_count() -> None:
    MigrationRecorder.Migration.objects.create(app="gone", name="9999_later")
    assert look("schema_version").state == State.OK
