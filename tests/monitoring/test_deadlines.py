"""Looks with a deadline: a part that hangs delays nobody, and costs one thread however often it is asked for."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tradedesk.monitoring.deadlines import Watch, run
from tradedesk.monitoring.findings import Finding, Probe, State

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
FINE = Finding(State.OK, "fine")
# Seconds; far more than a look of these tests takes.
LONG = 30.0


def fine(*parts: str) -> Probe:
    return Probe(parts, lambda wall_now: dict.fromkeys(parts, FINE), "unknown")


class Hanging:
    """A part that does not answer before it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.looks = 0
        self.probe = Probe(("stuck",), self._read, "unknown")

    def _read(self, wall_now: datetime) -> dict[str, Finding]:
        self.looks += 1
        self.let_go.wait(LONG)
        return {"stuck": FINE}


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    part = Hanging()
    yield part
    part.let_go.set()


def test_all_parts_are_found() -> None:
    assert Watch().ask([fine("a", "b"), fine("c")], NOW, LONG) == {"a": FINE, "b": FINE, "c": FINE}


def test_a_part_that_raises_is_unknown(caplog: pytest.LogCaptureFixture) -> None:
    def read(wall_now: datetime) -> dict[str, Finding]:
        raise OSError("no route to host")

    assert run(Probe(("a", "b"), read, "unknown"), NOW) == dict.fromkeys("ab", Finding(State.ERROR, "unknown"))
    assert "no route to host" in caplog.text


def test_a_part_that_hangs_holds_up_no_other(hanging: Hanging) -> None:
    begun = time.monotonic()
    found = Watch().ask([hanging.probe, fine("a")], NOW, 0.05)
    assert time.monotonic() - begun < LONG / 2
    assert found["a"] == FINE
    assert found["stuck"].state == State.ERROR
    assert found["stuck"].text.startswith("No answer for")


def test_the_deadline_is_one_for_all(hanging: Hanging) -> None:
    others = [Hanging() for _ in range(5)]
    begun = time.monotonic()
    Watch().ask([part.probe for part in others], NOW, 1.0)
    assert time.monotonic() - begun < 4.0  # not five seconds
    for part in others:
        part.let_go.set()


def test_a_part_that_hangs_is_not_asked_again_until_it_answers(hanging: Hanging) -> None:
    watch = Watch()
    for _ in range(20):
        watch.ask([hanging.probe], NOW, 0.001)
    assert hanging.looks == 1
    assert [thread.name for thread in threading.enumerate()].count("look at stuck") == 1

    hanging.let_go.set()
    assert watch.ask([hanging.probe], NOW, LONG) == {"stuck": FINE}
    assert watch.ask([hanging.probe], NOW, LONG) == {"stuck": FINE}
    assert hanging.looks <= 3
