"""The simulation's database: SQLite in memory, set back to its first state before each seed."""

import sqlite3
from typing import Any

from django.core.management import call_command
from django.db import connection

_pristine: list[sqlite3.Connection] = []


def raw() -> sqlite3.Connection:
    """The connection below Django's, for checks that must be fast."""
    connection.ensure_connection()
    found: sqlite3.Connection = connection.connection
    return found


def reset() -> None:
    """Empty tables, made once in this process, with the sequences of their ids at the start."""
    if not _pristine:
        call_command("migrate", run_syncdb=True, verbosity=0)
        copy = sqlite3.connect(":memory:")
        raw().backup(copy)
        _pristine.append(copy)
    _pristine[0].backup(raw())


def rows(query: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """All rows of a query, without Django and without its hooks. Fields of money and shares are floats."""
    return raw().execute(query, parameters).fetchall()


def changes() -> int:
    """Increases with every row that is written."""
    return raw().total_changes
