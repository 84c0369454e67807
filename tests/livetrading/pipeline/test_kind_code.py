"""The code of a kind: what it raises and what it returns."""

from typing import Any

import numpy as np
import pytest
from django.db import OperationalError

from livetrading.pipeline.kind_code import KindFailed, kind_code, signals_of
from strategies.kinds import InvalidParameters, Kind
from tests.livetrading.made_bars import flat
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Signals

BARS = flat(10, 11, 12)


class Made(Kind):
    key, name, description = "made", "Made", "Returns what the test wants."

    def warmup(self) -> int:
        return 1

    def signals(self, bars: Bars) -> Signals:
        wanted = self.__dict__["wanted"]
        if isinstance(wanted, BaseException):
            raise wanted
        return wanted  # type: ignore[no-any-return]

    def explain(self, signals: Signals, t: int) -> str:
        return ""


def returning(wanted: Any) -> Made:
    kind = Made()
    kind.__dict__["wanted"] = wanted
    return kind


def signals(side: list[int], strength: list[float]) -> Signals:
    return Signals(np.array(side, np.int8), np.array(strength, np.float64))


def test_signals_are_returned() -> None:
    found = signals_of(returning(signals([0, 1, -1], [np.nan, 0.5, 1.0])), {"AAPL": BARS}, {"AAPL": 1})
    assert found["AAPL"].side.tolist() == [0, 1, -1]


@pytest.mark.parametrize(
    "wanted",
    [
        signals([0, 1], [0.0, 0.5]),
        signals([0, 1, 0], [0.0, 0.5]),
        signals([0, 1, 7], [0.0, 0.5, 0.5]),
        signals([0, 1, 0], [0.0, np.nan, 0.0]),
        signals([0, 1, 0], [0.0, np.inf, 0.0]),
        None,
        "buy",
        ValueError("An error."),
        KeyError(),
        SystemExit(1),
        KeyboardInterrupt(),
        BaseException("anything"),
        ZeroDivisionError("division by zero"),
    ],
)
def test_what_is_no_signals_is_a_failure_of_the_kind(wanted: Any) -> None:
    with pytest.raises(KindFailed) as failed:
        signals_of(returning(wanted), {"AAPL": BARS}, {"AAPL": 1})
    assert str(failed.value)


def test_a_symbol_without_signals_is_a_failure_of_the_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Made, "signals_across", lambda self, bars: {})
    with pytest.raises(KindFailed, match="AAPL"):
        signals_of(returning(None), {"AAPL": BARS}, {"AAPL": 1})


@pytest.mark.parametrize(
    "error", [MemoryError(), OSError("disk full"), OperationalError("away"), InvalidParameters({"": "No."})]
)
def test_troubles_of_the_machine_and_refused_parameters_stay_what_they_are(error: Exception) -> None:
    with pytest.raises(type(error)), kind_code():
        raise error
