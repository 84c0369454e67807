"""Heartbeats during long work, and that no thread is left behind."""

from threading import Event, get_ident

import pytest

from backtests.services.lease import with_heartbeat

OFTEN = 0.001


class Lost(Exception):
    pass


def test_it_returns_the_result_of_the_work() -> None:
    assert with_heartbeat(lambda: 42, lambda: None) == 42


def test_heartbeats_run_in_the_calling_thread_until_the_work_is_done() -> None:
    enough = Event()
    beats: list[int] = []

    def heartbeat() -> None:
        beats.append(get_ident())
        if len(beats) == 3:
            enough.set()

    assert with_heartbeat(lambda: (enough.wait(60), get_ident()), heartbeat, OFTEN)[1] != get_ident()
    assert set(beats) == {get_ident()}
    assert len(beats) >= 3


def test_an_exception_of_the_work_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        with_heartbeat(lambda: 1 / 0, lambda: None)


def test_an_exception_of_the_heartbeat_is_raised_after_the_work_has_ended() -> None:
    stopping, ended = Event(), Event()

    def work() -> None:
        stopping.wait(60)
        ended.set()

    def heartbeat() -> None:
        stopping.set()
        raise Lost

    with pytest.raises(Lost):
        with_heartbeat(work, heartbeat, OFTEN)
    assert ended.is_set()
