"""Whether the market moves: a replay that stands still is ill, and so is one whose clock went back."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from tradedesk.marketdata.health import judge_replay, market_findings
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.sessions import session_open
from tradedesk.monitoring.findings import State

WALL = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
WAITING = {"asked_at": WALL + timedelta(seconds=50), "waiting_for": "3 checks"}


def replay(**fields: Any) -> ReplayMarket:
    return ReplayMarket(**({"session": date(2010, 3, 8), "advanced_at": WALL} | fields))


@pytest.mark.parametrize(
    ("fields", "seconds", "state"),
    [
        ({}, 1, State.OK),
        ({}, 35, State.OK),
        ({}, 36, State.ERROR),
        ({"ended": True}, 9999, State.NOTE),
        # Beat asks every second while the replay waits for work.
        (
            {"asked_at": WALL + timedelta(seconds=50), "waiting_for": "3 checks", "waited_seconds": 20},
            51,
            State.OK,
        ),
        (
            {"asked_at": WALL + timedelta(seconds=50), "waiting_for": "3 checks", "waited_seconds": 31},
            51,
            State.ERROR,
        ),
        (
            {"asked_at": WALL + timedelta(seconds=50), "waiting_for": "3 checks", "waited_seconds": 20},
            90,
            State.ERROR,
        ),
        # The clock went back: the replay waits until it has caught up.
        ({}, -3600, State.ERROR),
    ],
)
def test_a_replay_that_stands_still_is_ill(fields: dict[str, Any], seconds: float, state: State) -> None:
    found = judge_replay(replay(**fields), WALL + timedelta(seconds=seconds))
    assert found.state == state
    assert "2010-03-08" in found.text


def test_a_replay_that_never_started_is_ill() -> None:
    assert judge_replay(None, WALL).state == State.ERROR


@pytest.mark.django_db
def test_the_last_session_of_the_real_market(settings: Any) -> None:
    settings.MARKET = "real"
    with time_machine.travel(session_open(date(2026, 3, 2)) + timedelta(hours=1), tick=False):
        assert market_findings(WALL)["market"].text == "US market open. The last session closed on 2026-02-27."
