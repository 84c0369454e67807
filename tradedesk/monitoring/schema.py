"""Whether the database has the tables of this version of the desk."""

import pkgutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from django.apps import apps
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

Migration = tuple[str, str]


@cache
def known_migrations() -> frozenset[Migration]:
    """App and name of every migration of this version. Only names, because to load all of them takes long."""
    return frozenset(
        (app.label, module.name)
        for app in apps.get_app_configs()
        for module in pkgutil.iter_modules([str(Path(app.path) / "migrations")])
        if not module.name.startswith("_")
    )


def missing_migrations() -> set[Migration]:
    """Those that the database has not got yet. One query."""
    return set(known_migrations() - _applied())


def foreign_migrations() -> set[Migration]:
    """Those of a newer version of the desk. One query. Apps that are not installed do not count."""
    latest: dict[str, str] = {}
    for label, name in known_migrations():
        latest[label] = max(name, latest.get(label, ""))
    return {(label, name) for label, name in _applied() if label in latest and name > latest[label]}


def named(migrations: Iterable[Migration]) -> str:
    """The first three, in words."""
    names = sorted(f"{label} {name}" for label, name in migrations)
    return ", ".join(names[:3]) + (" …" if len(names) > 3 else "")


def _applied() -> set[Migration]:
    return set(MigrationRecorder(connection).applied_migrations())
