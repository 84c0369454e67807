"""Drawdowns, computed by hand and against the metric."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.analysis import Drawdown, worst_drawdowns
from tests.backtests.scripted import days
from tradedesk.core.bars import session_dates
from tradedesk.core.metrics import max_drawdown

SESSIONS = np.arange("2024-01-01", "2024-01-11", dtype="datetime64[D]")
EQUITIES = st.lists(st.floats(1.0, 1000.0, allow_nan=False), min_size=1, max_size=60)


def test_a_drawdown_lasts_from_peak_to_recovery_and_the_deepest_is_first() -> None:
    # 110 falls to 99 (10%) and recovers on the 5th day; 120 falls to 90 (25%) and does not recover.
    equity = np.array([100, 110, 99, 104.5, 110, 120, 96, 90, 100, 119.0])
    assert worst_drawdowns(SESSIONS, equity, 100.0) == [
        Drawdown(date(2024, 1, 6), date(2024, 1, 8), None, 0.25, 4),
        Drawdown(date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 5), 1 - 99 / 110, 3),
    ]


def test_a_drawdown_from_the_capital_begins_in_the_first_session() -> None:
    equity = np.array([90.0, 80, 100])
    assert worst_drawdowns(SESSIONS[:3], equity, 100.0) == [
        Drawdown(date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3), 1 - 80 / 100, 2)
    ]


def test_an_account_that_owes_money_has_lost_everything() -> None:
    assert [each.depth for each in worst_drawdowns(SESSIONS[:3], np.array([90.0, -5, -5]), 100.0)] == [1.0]


def test_the_number_is_limited_and_of_equal_ones_the_earlier_is_kept() -> None:
    equity = np.array([100, 90, 100, 90, 100, 95, 100, 80.0, 100, 100])
    found = worst_drawdowns(SESSIONS, equity, 100.0, 2)
    assert [(each.bottom.day, round(each.depth, 9)) for each in found] == [(8, 0.2), (2, 0.1)]


def test_a_rising_curve_has_no_drawdown() -> None:
    assert worst_drawdowns(SESSIONS[:3], np.array([100.0, 100, 101]), 100.0) == []
    assert worst_drawdowns(SESSIONS[:0], np.empty(0), 100.0) == []


@given(EQUITIES, st.integers(1, 7))
def test_the_first_is_the_max_drawdown_of_the_metrics(values: list[float], bars_a_day: int) -> None:
    equity = np.array(values)
    time = days(len(values)).repeat(bars_a_day)[: len(values)]
    depth, length = max_drawdown(time, equity, 500.0)
    found = worst_drawdowns(session_dates(time), equity, 500.0, 100)
    assert [Drawdown.from_dict(each.as_dict()) for each in found] == found
    deepest = (found[0].depth, found[0].days) if found else (0.0, 0)
    assert deepest == (depth, length)


@given(EQUITIES)
def test_together_they_cover_the_sessions_below_the_peak(values: list[float]) -> None:
    sessions, equity = session_dates(days(len(values))), np.array(values)
    below = sessions[equity < np.maximum(np.maximum.accumulate(equity), 500.0)].tolist()
    drawdowns = sorted(worst_drawdowns(sessions, equity, 500.0, 100), key=lambda each: each.bottom)
    # The sessions of each: after the peak, or from the first session on when the capital is the peak.
    found = [
        day
        for each in drawdowns
        for day in sessions.tolist()
        if each.peak <= day < (each.recovery or date.max) and day in below
    ]
    assert found == below
