"""The nightly backup: when it is due, what happens when it fails, and what the health says."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from pytest_django import Settings

from tradedesk.backup import AlreadyAtWork, CannotBackUp, nightly
from tradedesk.backup.nightly import PAUSE, is_due, make_if_due
from tradedesk.monitoring.desk_parts import judge_backup
from tradedesk.monitoring.findings import State
from tradedesk.monitoring.last_backup import last_failure, record_backup

SIX = time(6, 0)
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last", "created", "due"),
    [
        (None, LONG_AGO, True),
        (None, NOW - timedelta(hours=8), False),  # a desk of today waits for its first night
        (NOW - timedelta(hours=10), LONG_AGO, True),  # the night was missed: the desk was off
        (NOW - timedelta(hours=9), LONG_AGO, False),
        (NOW - timedelta(hours=1), LONG_AGO, False),
        (NOW + timedelta(days=300), LONG_AGO, True),  # made before the clock went back
        (None, NOW + timedelta(days=300), True),
    ],
)
def test_when_it_is_due(last: datetime | None, created: datetime, due: bool) -> None:
    assert is_due(last, created, NOW, SIX) == due


def test_before_its_time_the_night_before_counts() -> None:
    early = NOW.replace(hour=5)
    assert not is_due(early - timedelta(hours=22), LONG_AGO, early, SIX)
    assert is_due(early - timedelta(hours=24), LONG_AGO, early, SIX)


@pytest.mark.django_db
def test_a_failure_is_shown_and_tried_again_after_a_pause(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.BACKUP_TIME, settings.BACKUP_DIR = SIX, tmp_path
    monkeypatch.setattr(nightly, "_created_at", lambda: LONG_AGO)
    tries: list[datetime] = []
    answers: list[Exception | None] = [CannotBackUp("pg_dump is missing."), AlreadyAtWork("Another one."), None]

    def back_up(folder: Path, wall_now: datetime, *, keep: int) -> SimpleNamespace:
        tries.append(wall_now)
        if (answer := answers.pop(0)) is not None:
            raise answer
        record_backup(wall_now)
        return SimpleNamespace(folder=folder)

    monkeypatch.setattr(nightly, "back_up", back_up)
    make_if_due(NOW)
    make_if_due(NOW + PAUSE / 2)
    assert (tries, last_failure()) == ([NOW], (NOW, "pg_dump is missing."))
    make_if_due(NOW + PAUSE)
    assert last_failure() == (NOW, "pg_dump is missing.")  # that another worker is at it is no failure
    make_if_due(NOW + PAUSE)
    assert last_failure() is None
    make_if_due(NOW + 3 * PAUSE)
    settings.BACKUP_TIME = None
    make_if_due(NOW + timedelta(days=3))
    assert tries == [NOW, NOW + PAUSE, NOW + PAUSE]


@pytest.mark.parametrize(
    ("days", "nightly", "failed", "state"),
    [
        (None, False, "", State.NOTE),
        (None, True, "", State.NOTE),
        (0, False, "", State.OK),
        (7, False, "", State.OK),
        (7.1, False, "", State.WARNING),
        (1.9, True, "", State.OK),
        (2.1, True, "", State.WARNING),
        (-2, True, "", State.WARNING),
        (1, True, "The disk is full.", State.WARNING),
    ],
)
def test_the_health_knows_the_last_backup(days: float | None, nightly: bool, failed: str, state: State) -> None:
    made_at = None if days is None else NOW - timedelta(days=days)
    finding = judge_backup(made_at, NOW, nightly=nightly, failed=failed)
    assert finding.state == state
    assert failed in finding.text
