"""The notifications move to their app, with their rows, on SQLite and on PostgreSQL."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from pytest_django import DjangoDbBlocker

NOW = datetime(2012, 3, 5, 21, tzinfo=UTC)
BEFORE = [("accounts", "0002_api_tokens"), ("notifications", None)]
AFTER = [("notifications", "0003_remove_level")]
# level, text and url as they were; event and priority as they become.
ROWS = [
    ("success", "“Live - Golden cross” deployed. Now monitoring AAPL.", "/dashboard/live-trading", "deployed", 1),
    (
        "success",
        "The ranking on AAPL is complete.",
        "/dashboard/optimizer/3",
        "research_finished",
        1,
    ),
    ("info", "Bought 10 AAPL at $31.50", "/trades?mode=paper", "order_filled", 2),
    ("success", "Sold 10 AAPL at $31.50 · signal · +$30.00", "/trades?mode=paper", "order_filled", 2),
    ("error", "Sell 10 AAPL was not placed: No.", "/trades?mode=paper", "order_rejected", 3),
    ("error", "The position of AAPL differs.", "/trades?mode=paper", "difference", 3),
]


@pytest.fixture
def on_postgresql(transactional_db: None) -> Iterator[str]:
    """The alias of a database at the migrations before the move."""
    assert connection.vendor == "postgresql"
    migrate("default", BEFORE)
    yield "default"
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.fixture
def on_sqlite(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    connections.settings["lite"] = connections.settings["default"] | {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "desk.sqlite3"),
        "OPTIONS": {},
    }
    with django_db_blocker.unblock():
        migrate("lite", BEFORE[:1])
        yield "lite"
        connections["lite"].close()
    del connections["lite"], connections.settings["lite"]


def migrate(alias: str, to: Sequence[tuple[str, str | None]]) -> Any:
    executor = MigrationExecutor(connections[alias])
    return executor.migrate(list(to)).apps


def test_the_rows_move_with_their_reading_on_postgresql(on_postgresql: str) -> None:
    move(on_postgresql)


def test_the_rows_move_with_their_reading_on_sqlite(on_sqlite: str) -> None:
    move(on_sqlite)


def move(database: str) -> None:
    old = MigrationExecutor(connections[database]).loader.project_state([("accounts", "0002_api_tokens")]).apps
    alice = old.get_model("accounts", "User").objects.using(database).create(email="alice@example.com")
    rows = old.get_model("accounts", "Notification").objects.using(database)
    made = [
        rows.create(user=alice, level=level, text=text, url=url, created_at=NOW, read_at=NOW if index else None)
        for index, (level, text, url, _, _) in enumerate(ROWS)
    ]
    moved = migrate(database, AFTER).get_model("notifications", "Notification").objects.using(database)
    found = moved.order_by("id").values_list("id", "user", "text", "created_at", "event", "priority")
    assert list(found) == [
        (row.pk, alice.pk, text, NOW, event, priority)
        for row, (_, text, _, event, priority) in zip(made, ROWS, strict=True)
    ]
    assert moved.filter(read_at=None).count() == 1
    moved.create(user_id=alice.pk, event="halt", priority=3, text="New.", created_at=NOW)
    assert moved.latest("id").pk > made[-1].pk
