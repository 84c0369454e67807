"""Returns by month and year; a year is the product of its months."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.research.analysis import calendar_returns

WEEKDAYS = np.arange("2023-01-01", "2025-01-01", dtype="datetime64[D]")
WEEKDAYS = WEEKDAYS[np.is_busday(WEEKDAYS)]


def sessions(*days: str) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return np.array(days, "datetime64[D]")


def test_a_month_is_measured_from_the_last_session_before_it() -> None:
    days = sessions("2023-11-15", "2023-11-30", "2023-12-29", "2024-01-02", "2024-01-31")
    first, second = calendar_returns(days, np.array([105.0, 110, 99, 120, 108.9]), 100.0, days)
    assert [first.number, second.number] == [2023, 2024]
    assert first.months[:10] == (None,) * 10
    # 110 / 100, 99 / 110, 108.9 / 99; the years 99 / 100 and 108.9 / 99.
    assert [first.months[10].value, first.months[11].value] == pytest.approx([0.10, -0.10])  # type: ignore[union-attr]
    assert second.months[0].value == pytest.approx(0.10)  # type: ignore[union-attr]
    assert second.months[1:] == (None,) * 11
    assert (first.total.value, second.total.value) == (pytest.approx(-0.01), pytest.approx(0.10))


def test_a_month_or_year_with_sessions_outside_the_curve_is_not_whole() -> None:
    days = WEEKDAYS[(np.datetime64("2023-01-10") <= WEEKDAYS) & (np.datetime64("2024-03-28") >= WEEKDAYS)]
    first, second = calendar_returns(days, np.full(len(days), 100.0), 100.0, WEEKDAYS)
    assert [cell.whole for cell in first.months if cell] == [False] + [True] * 11
    # 29 March 2024 was a weekday.
    assert [cell.whole for cell in second.months if cell] == [True, True, False]
    assert (first.total.whole, second.total.whole) == (False, False)


def test_a_month_after_missing_months_includes_their_return_and_is_not_whole() -> None:
    missing = (np.datetime64("2023-03-01") <= WEEKDAYS) & (np.datetime64("2023-05-31") >= WEEKDAYS)
    days = WEEKDAYS[~missing]
    first, second = calendar_returns(days, np.linspace(100.0, 200.0, len(days)), 100.0, WEEKDAYS)
    assert [number for number, cell in enumerate(first.months, 1) if cell and not cell.whole] == [6]
    assert first.months[2:5] == (None, None, None)
    assert (first.total.whole, second.total.whole) == (False, True)


def test_a_session_missing_at_the_end_of_a_month_also_makes_the_next_one_not_whole() -> None:
    days = np.setdiff1d(WEEKDAYS, sessions("2023-12-29"))
    first, second = calendar_returns(days, np.full(len(days), 100.0), 100.0, WEEKDAYS)
    assert [cell.whole for cell in first.months if cell] == [True] * 11 + [False]
    assert [cell.whole for cell in second.months if cell] == [False] + [True] * 11
    assert (first.total.whole, second.total.whole) == (False, False)


def test_a_curve_over_all_sessions_is_whole() -> None:
    years = calendar_returns(WEEKDAYS, np.full(len(WEEKDAYS), 100.0), 100.0, WEEKDAYS)
    assert all(year.total.whole and all(cell and cell.whole for cell in year.months) for year in years)


def test_an_account_that_went_to_zero_has_no_later_returns() -> None:
    days = sessions("2024-01-31", "2024-02-29")
    (year,) = calendar_returns(days, np.array([0.0, 0.0]), 100.0, days)
    assert [cell.value for cell in year.months if cell] == [-1.0, None]


def test_without_sessions_there_are_no_years() -> None:
    assert calendar_returns(sessions(), np.empty(0), 100.0, WEEKDAYS) == []


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=len(WEEKDAYS)))
def test_a_year_is_the_product_of_its_months_and_all_years_are_the_total(values: list[float]) -> None:
    equity = np.array(values)
    years = calendar_returns(WEEKDAYS[: len(values)], equity, 1000.0, WEEKDAYS)
    growth = 1.0
    for year in years:
        months = np.prod([1 + cell.value for cell in year.months if cell and cell.value is not None])
        assert year.total.value is not None
        assert months == pytest.approx(1 + year.total.value, rel=1e-9)
        growth *= 1 + year.total.value
    assert growth == pytest.approx(values[-1] / 1000.0, rel=1e-9)
