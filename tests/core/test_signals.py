"""Signals compute strengths and lines when somebody reads them, and once."""

import numpy as np

from tradedesk.core.signals import Signals

SIDE = np.array([1, 0, -1], np.int8)


def test_a_signal_without_a_given_strength_has_a_strength_of_one() -> None:
    signals = Signals(SIDE)
    assert signals.is_full
    assert signals.strength.tolist() == [1.0, 0.0, 1.0]
    assert signals.strength.dtype == np.float64
    assert signals.lines == {}


def test_functions_are_called_once_and_only_when_read() -> None:
    calls = []

    def strength() -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        calls.append("strength")
        return np.array([0.7, 0.0, 0.9])

    def lines() -> dict[str, "np.ndarray[tuple[int], np.dtype[np.float64]]"]:
        calls.append("lines")
        return {"A": np.zeros(3)}

    signals = Signals(SIDE, strength, lines)
    assert calls == []
    assert not signals.is_full
    assert [signals.strength.tolist(), signals.strength.tolist()] == [[0.7, 0.0, 0.9]] * 2
    assert [list(signals.lines), list(signals.lines)] == [["A"]] * 2
    assert calls == ["strength", "lines"]
