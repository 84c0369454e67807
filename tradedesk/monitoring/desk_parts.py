"""The parts of the desk that are no app's: database, queue, processes, disk, tables."""

import shutil
import socket
from datetime import datetime

from celery import current_app
from django.conf import settings
from django.db import connection, transaction

from tradedesk.monitoring import damage
from tradedesk.monitoring.findings import Finding, Probe, State, register
from tradedesk.monitoring.heartbeats import read_heartbeats
from tradedesk.monitoring.last_backup import last_backup, last_failure
from tradedesk.monitoring.models import Component, WriteCheck
from tradedesk.monitoring.pulse import MAX_AHEAD, MAX_HEARTBEAT_AGE, pulse_of
from tradedesk.monitoring.schema import foreign_migrations, missing_migrations, named

GIGABYTE = 1024**3
# Free bytes in the data folder.
LITTLE_SPACE, NO_SPACE = 2 * GIGABYTE, GIGABYTE // 5

# Days: where the desk makes one each night, and where a person does.
LATE_BACKUP, OLD_BACKUP = 2.0, 7.0

_START = {
    Component.BEAT: "celery -A tradedesk beat",
    Component.WORKER: "celery -A tradedesk worker -Q urgent,celery",
    Component.URGENT: "celery -A tradedesk worker -Q urgent,celery",
    Component.RESEARCH: "celery -A tradedesk worker -Q research,evidence",
    Component.NOTIFICATIONS: "celery -A tradedesk worker -Q notifications",
}
# Without these the desk trades.
_NOT_TRADING = (Component.RESEARCH, Component.NOTIFICATIONS)
# Seconds without a heartbeat. All threads that send notifications may wait for servers of others, a batch long.
_LONGEST = {Component.NOTIFICATIONS: 200.0}


def register_desk_parts() -> None:
    register(
        Probe(
            ("database",),
            _database,
            "The database takes no writes. Check DATABASE_URL, the server and its disk.",
        )
    )
    register(Probe(("broker",), _broker, "The message queue is not reachable. Check REDIS_URL and the server."))
    register(Probe(tuple(Component.values), _processes, "Unknown: the database does not answer."))
    register(Probe(("disk",), _disk, "The data folder does not answer. Check the disk of DESK_DATA_DIR."))
    register(Probe(("schema_version",), _schema, "Unknown: the database does not answer."))
    register(Probe(("backup",), _backup, "Unknown: the database does not answer."))


def _database(wall_now: datetime) -> dict[str, Finding]:
    """A real write: a database that only reads, or whose disk is full, does not trade."""
    key = {"instance": socket.gethostname()[:100]}
    with transaction.atomic():
        if not WriteCheck.objects.filter(**key).update(at=wall_now):
            WriteCheck.objects.get_or_create(**key, defaults={"at": wall_now})
    file = damage.file_of(connection.settings_dict)
    if file is not None and (found := damage.watch.found(file)):
        text = f"Its file is damaged ({found}). Stop the desk and put the newest backup in its place"
        return {"database": Finding(State.ERROR, f"{text} (docs/operating.md).")}
    return {"database": Finding(State.OK, "It takes writes.")}


def _broker(wall_now: datetime) -> dict[str, Finding]:
    with current_app.connection_for_write() as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    return {"broker": Finding(State.OK, "It answers.")}


def _processes(wall_now: datetime) -> dict[str, Finding]:
    heartbeats = read_heartbeats()
    return {str(component): judge(component, moments, wall_now) for component, moments in heartbeats.items()}


def judge(component: Component, moments: dict[str, datetime], wall_now: datetime) -> Finding:
    """moments: the last heartbeat of each instance."""
    pulse = pulse_of(moments.values(), wall_now, _LONGEST.get(component, MAX_HEARTBEAT_AGE))
    lines = tuple(_line(instance, moment, wall_now) for instance, moment in sorted(moments.items()))
    if pulse.is_alive:
        return Finding(State.OK, f"Heartbeat {max(pulse.age or 0.0, 0.0):.0f} s ago.", lines)
    state = State.WARNING if component in _NOT_TRADING else State.ERROR
    if pulse.age is None:
        return Finding(state, f"No heartbeat yet. Start it: {_START[component]}")
    if pulse.age < -MAX_AHEAD:
        text = f"Its last heartbeat is {-pulse.age:,.0f} s in the future: a clock has jumped. Correct the clocks."
        return Finding(state, text, lines)
    return Finding(state, f"No heartbeat for {pulse.age:,.0f} s. Restart it: {_START[component]}", lines)


def _line(instance: str, moment: datetime, wall_now: datetime) -> str:
    return f"{instance}: {(wall_now - moment).total_seconds():,.0f} s ago"


def _disk(wall_now: datetime) -> dict[str, Finding]:
    return {"disk": judge_space(shutil.disk_usage(settings.DATA_DIR).free)}


def judge_space(free: int) -> Finding:
    """free: bytes."""
    text = f"{free / GIGABYTE:,.1f} GB are free in the data folder."
    if free < NO_SPACE:
        return Finding(State.ERROR, f"{text} The desk soon cannot write any more: make room.")
    return Finding(State.WARNING, f"{text} Make room.") if free < LITTLE_SPACE else Finding(State.OK, text)


def _schema(wall_now: datetime) -> dict[str, Finding]:
    if foreign := foreign_migrations():
        text = f"The database is of a newer version ({named(foreign)}). Start that version of the desk."
        return {"schema_version": Finding(State.ERROR, text)}
    if missing := missing_migrations():
        text = f"The database misses {named(missing)}. Run: manage.py migrate"
        return {"schema_version": Finding(State.ERROR, text)}
    return {"schema_version": Finding(State.OK, "The tables are those of this version.")}


def _backup(wall_now: datetime) -> dict[str, Finding]:
    nightly = settings.BACKUP_TIME is not None
    failure = last_failure() if nightly else None
    return {"backup": judge_backup(last_backup(), wall_now, nightly=nightly, failed=failure[1] if failure else "")}


def judge_backup(made_at: datetime | None, wall_now: datetime, *, nightly: bool, failed: str = "") -> Finding:
    """nightly: whether the desk makes one each night. failed: why the last one was not made."""
    if failed:
        return Finding(State.WARNING, f"The nightly backup failed: {failed}")
    advice = "Look at the log of the worker of notifications, which makes one each night."
    if not nightly:
        advice = "Make one each day: manage.py backup"
    if made_at is None:
        soon = "The desk makes the first one in the night."
        return Finding(State.NOTE, f"No backup was made yet. {soon if nightly else advice}")
    days = (wall_now - made_at).total_seconds() / 86400
    text = f"The last backup is of {made_at:%Y-%m-%d %H:%M} UTC"
    if not -1 < days <= (LATE_BACKUP if nightly else OLD_BACKUP):
        return Finding(State.WARNING, f"{text}. {advice}")
    return Finding(State.OK, f"{text}.")
