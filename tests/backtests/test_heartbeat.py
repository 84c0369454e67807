"""Long work says that it is alive, and ends before its watcher does."""

from threading import Event, get_ident

import pytest

from backtests.services.lease import with_heartbeat

OFTEN = 0.001


class Lost(Exception):
    pass


def test_it_gives_what_the_work_makes() -> None:
    assert with_heartbeat(lambda: 42, lambda: None) == 42


def test_it_beats_in_its_own_thread_until_the_work_is_done() -> None:
    enough = Event()
    beats: list[int] = []

    def beat() -> None:
        beats.append(get_ident())
        if len(beats) == 3:
            enough.set()

    assert with_heartbeat(lambda: (enough.wait(60), get_ident()), beat, OFTEN)[1] != get_ident()
    assert set(beats) == {get_ident()}
    assert len(beats) >= 3


def test_what_the_work_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        with_heartbeat(lambda: 1 / 0, lambda: None)


def test_a_beat_that_gives_up_waits_for_the_work_to_end() -> None:
    asked, ended = Event(), Event()

    def work() -> None:
        asked.wait(60)
        ended.set()

    def beat() -> None:
        asked.set()
        raise Lost

    with pytest.raises(Lost):
        with_heartbeat(work, beat, OFTEN)
    assert ended.is_set()
