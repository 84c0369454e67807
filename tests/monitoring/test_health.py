"""The health of the desk as a whole: its status, its JSON, and how often it looks."""

from datetime import UTC, datetime

import pytest

from tradedesk.monitoring import health as module
from tradedesk.monitoring.deadlines import Watch
from tradedesk.monitoring.findings import Finding, Probe, State
from tradedesk.monitoring.health import DEADLINE, Health, HealthReader

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def health(**states: State) -> Health:
    return Health({part: Finding(state, f"about {part}") for part, state in states.items()})


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ((), "ok"),
        ((State.OK, State.NOTE), "ok"),
        ((State.OK, State.WARNING, State.NOTE), "degraded"),
        ((State.WARNING, State.ERROR, State.OK), "down"),
    ],
)
def test_the_worst_part_decides(states: tuple[State, ...], status: str) -> None:
    assert health(**{f"part{number}": state for number, state in enumerate(states)}).status == status


def test_the_json_says_what_is_ill_and_what_was_seen_of_the_rest() -> None:
    found = health(database=State.OK, backup=State.NOTE, disk=State.WARNING, worker=State.ERROR)
    assert found.as_json() == {
        "status": "down",
        "database": "ok",
        "backup": "ok",
        "disk": "about disk",
        "worker": "about worker",
        "details": {"database": "about database", "backup": "about backup"},
    }


def test_the_lines_for_operators_are_not_in_the_json() -> None:
    found = Health({"accounts": Finding(State.ERROR, "One fails.", ("Account 3 of alice",))})
    assert "alice" not in str(found.as_json())


def test_a_flood_of_requests_is_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[datetime] = []

    def read(wall_now: datetime) -> dict[str, Finding]:
        looks.append(wall_now)
        return {"part": Finding(State.OK, "")}

    monkeypatch.setattr(module, "probes", lambda: [Probe(("part",), read, "")])
    reader = HealthReader(Watch(), deadline=30.0, kept=3600.0)
    assert [reader.read(NOW).status for _ in range(50)] == ["ok"] * 50
    assert len(looks) == 1

    always = HealthReader(Watch(), deadline=30.0, kept=0.0)
    assert [always.read(NOW).status for _ in range(3)] == ["ok"] * 3
    assert len(looks) == 4


def test_the_whole_answer_has_two_seconds() -> None:
    assert DEADLINE < 2.0
