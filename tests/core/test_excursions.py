"""Excursions, computed by hand."""

import numpy as np
import pytest

from tradedesk.core.bars import Bars
from tradedesk.core.excursions import Excursion, excursion

DAYS = np.array([f"2024-01-{day:02}T05:00" for day in (2, 3, 4, 5)], "M8[us]")
FOUR = Bars(
    DAYS,
    np.array([10.0, 10, 11, 12]),
    np.array([10.5, 12, 13, 30]),
    np.array([9.5, 8, 10, 1]),
    np.array([10.0, 11, 12, 11]),
    np.ones(4),
)


def test_the_bars_from_the_entry_to_the_one_before_the_exit_count() -> None:
    # lows 9.5, 8, 10 and highs 10.5, 12, 13; the bar of the exit, 1 to 30, does not count
    assert excursion(FOUR, DAYS[0], DAYS[3], 10.0, 12.0) == Excursion(2.0, 3.0)


def test_the_exit_counts_with_its_price() -> None:
    assert excursion(FOUR, DAYS[2], DAYS[3], 11.0, 9.0) == Excursion(2.0, 2.0), "sold at 9 below the low of 10"
    assert excursion(FOUR, DAYS[2], DAYS[2], 11.0, 12.5) == Excursion(0.0, 1.5), "within one bar"


def test_a_fill_within_a_bar_belongs_to_it() -> None:
    noon = DAYS[1] + np.timedelta64(12, "h")
    assert excursion(FOUR, noon, DAYS[2] + np.timedelta64(12, "h"), 10.0, 10.5) == Excursion(2.0, 2.0)


@pytest.mark.parametrize("entry", ["2024-01-01T05:00", "1999-01-01"])
def test_without_bars_at_the_entry_there_is_none(entry: str) -> None:
    assert excursion(FOUR, np.datetime64(entry, "us"), DAYS[3], 10.0, 12.0) is None
