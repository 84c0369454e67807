"""The end of the sessions that a search uses."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.optimizer.holdout import search_end
from tests.backtests.scripted import bars_of, days
from tradedesk.core.bars import Bars

END = datetime(2030, 1, 1, tzinfo=UTC)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


def daily(places: list[int]) -> Bars:
    return bars_of([(10, 10, 10, 10)] * len(places), days(60)[places])


def used_sessions(bars: dict[str, Bars], holdout: float, start: datetime = BEGINNING, end: datetime = END) -> int:
    """The number of sessions of all symbols that the search uses."""
    until = np.datetime64(search_end(bars, start, end, holdout).replace(tzinfo=None), "us")
    return len({time for own in bars.values() for time in own.time if time <= until})


@pytest.mark.parametrize(
    ("sessions", "holdout", "used"),
    [(10, 0.3, 7), (10, 0.9, 1), (10, 0.25, 7), (3, 0.5, 1), (1, 0.3, 1), (2, 0.9, 1), (10, 0.0, 10)],
)
def test_the_holdout_is_the_last_part_of_the_sessions(sessions: int, holdout: float, used: int) -> None:
    assert used_sessions({"A": daily(list(range(sessions)))}, holdout) == used


@given(st.integers(1, 60), st.integers(0, 90))
def test_the_sessions_are_rounded_down_and_at_least_one(sessions: int, percent: int) -> None:
    assert used_sessions({"A": daily(list(range(sessions)))}, percent / 100) == max(
        sessions * (100 - percent) // 100, 1
    )


def test_a_session_of_several_symbols_counts_once() -> None:
    early, late = daily(list(range(6))), daily(list(range(4, 10)))
    assert used_sessions({"A": early, "B": late}, 0.3) == 7


def test_sessions_outside_the_period_do_not_count() -> None:
    bars = daily(list(range(20)))
    start = datetime.fromisoformat(str(bars.time[10])).replace(tzinfo=UTC)
    until = search_end({"A": bars}, start, END, 0.5)
    assert np.datetime64(until.replace(tzinfo=None), "us") + np.timedelta64(1, "us") == bars.time[15]


def test_a_session_with_several_bars_is_not_divided() -> None:
    opens = days(4)[:, None] + np.array([9, 10, 11], "timedelta64[h]")
    bars = bars_of([(10, 10, 10, 10)] * 12, opens.ravel())
    until = search_end({"A": bars}, BEGINNING, END, 0.5)
    assert until + timedelta(microseconds=1) == datetime.fromisoformat(str(bars.time[6])).replace(tzinfo=UTC)


def test_without_bars_there_is_no_holdout() -> None:
    assert search_end({}, BEGINNING, END, 0.3) == END
