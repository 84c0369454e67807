"""Turns at a broker: one that hangs does not get all threads of a process."""

import time
from contextlib import ExitStack

import pytest

from livetrading.services.broker_turns import MOST, SLOW, Turns


def room(turns: Turns, broker: str, count: int) -> int:
    """How many of `count` turns at once there is room for."""
    with ExitStack() as stack:
        return sum([stack.enter_context(turns.turn(broker)) for _ in range(count)])


def test_a_broker_gets_a_part_of_the_threads_and_the_simulation_all() -> None:
    turns = Turns()
    assert (room(turns, "remote", 8), room(turns, "paper", 8)) == (MOST, 8)
    assert room(turns, "remote", 8) == MOST, "a turn that ended has left no trace"


def test_the_turns_at_one_broker_take_none_from_another() -> None:
    turns = Turns()
    with ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(turns.turn("hangs"))
        assert room(turns, "other", 8) == MOST


def test_a_slow_broker_gets_one_thread_until_a_turn_was_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()
    seconds = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: seconds[0])
    with turns.turn("remote"):
        seconds[0] += SLOW
    with turns.turn("remote") as first, turns.turn("remote") as second:
        assert (first, second) == (True, False)
        seconds[0] += SLOW
    assert room(turns, "remote", 8) == 1
    assert room(turns, "remote", 8) == MOST


def test_a_turn_that_fails_is_given_back() -> None:
    turns = Turns()
    for _ in range(10):
        try:
            with turns.turn("remote"):
                raise ValueError
        except ValueError:
            pass
    assert room(turns, "remote", 8) == MOST
