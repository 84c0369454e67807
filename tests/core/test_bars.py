from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.core import bars as bars_module
from tradedesk.core.bars import (
    COLUMNS,
    Bars,
    InvalidBars,
    Timeframe,
    session_dates,
    session_numbers,
    to_datetime,
    to_datetime64,
    validate,
)

TIMES = np.array(["2024-01-03T05:00", "2024-01-03T12:00", "2023-12-29T05:00", "NaT"], "M8[us]")
NEW_YORK = ZoneInfo("America/New_York")


def four_days() -> Bars:
    time = np.array(["2024-01-02T05:00", "2024-01-03T05:00", "2024-01-04T05:00", "2024-01-05T05:00"], "M8[us]")
    close = np.array([10.0, 11.0, 12.0, 11.5])
    return Bars(time, close - 0.5, close + 1.0, close - 1.0, close, np.array([100.0, 0.0, 300.0, 400.0]))


def test_valid_bars_pass() -> None:
    validate(four_days())


@pytest.mark.parametrize(
    ("column", "row", "value", "message"),
    [
        ("open", 1, np.nan, "Row 1 (2024-01-03 05:00): open is missing or not a number."),
        ("high", 2, np.inf, "Row 2 (2024-01-04 05:00): high is missing or not a number."),
        ("close", 3, 0.0, "Row 3 (2024-01-05 05:00): close is zero or negative."),
        ("low", 0, -1.0, "Row 0 (2024-01-02 05:00): low is zero or negative."),
        ("low", 3, 0.0099, "Row 3 (2024-01-05 05:00): low is below $0.01, too little to be traded exactly."),
        ("high", 2, 1e9, "Row 2 (2024-01-04 05:00): high is not below $1,000,000,000."),
        ("high", 1, 9.0, "Row 1 (2024-01-03 05:00): high is below low."),
        ("open", 2, 13.5, "Row 2 (2024-01-04 05:00): open or close is not between low and high."),
        ("close", 2, 10.5, "Row 2 (2024-01-04 05:00): open or close is not between low and high."),
        ("volume", 1, np.nan, "Row 1 (2024-01-03 05:00): volume is missing or negative."),
        ("volume", 1, -5.0, "Row 1 (2024-01-03 05:00): volume is missing or negative."),
    ],
)
def test_the_row_of_a_bad_value_is_named(column: str, row: int, value: float, message: str) -> None:
    bars = four_days()
    getattr(bars, column)[row] = value
    with pytest.raises(InvalidBars) as error:
        validate(bars)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ("2024-01-02T05:00", "Row 1 (2024-01-02 05:00): the time is the same as in the row before it."),
        ("2024-01-01T05:00", "Row 1 (2024-01-01 05:00): the time is earlier than the row before it."),
        ("NaT", "Row 1: the time is missing."),
    ],
)
def test_times_out_of_order_are_refused(time: str, message: str) -> None:
    bars = four_days()
    bars.time[1] = np.datetime64(time)
    with pytest.raises(InvalidBars) as error:
        validate(bars)
    assert str(error.value) == message


def test_no_rows_and_columns_of_different_length_are_refused() -> None:
    bars = four_days()
    with pytest.raises(InvalidBars, match="There are no rows"):
        validate(bars[:0])
    with pytest.raises(InvalidBars, match="differ in length"):
        validate(replace(bars, close=bars.close[:-1]))


CELLS = (-1.0, 0.0, 0.005, 8.9, 10.0, 12.5, 50.0, np.nan, np.inf, -np.inf)


@given(st.lists(st.tuples(st.sampled_from(COLUMNS), st.integers(0, 3), st.sampled_from(CELLS)), max_size=3))
def test_the_fast_check_refuses_the_same_bars_as_the_single_checks(changes: list[tuple[str, int, float]]) -> None:
    bars = four_days()
    for column, row, value in changes:
        getattr(bars, column)[row] = TIMES[CELLS.index(value) % len(TIMES)] if column == "time" else value
    assert refused(bars) == refused_step_by_step(bars)


def refused(bars: Bars) -> str:
    try:
        validate(bars)
    except InvalidBars as error:
        return str(error)
    return ""


def refused_step_by_step(bars: Bars) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bars_module, "_is_valid", lambda *columns: False)
        return refused(bars)


def test_until_and_since_include_their_moment() -> None:
    bars = four_days()
    moment = datetime(2024, 1, 3, 5, tzinfo=UTC)
    assert len(bars.until(moment)) == 2
    assert len(bars.since(moment)) == 3
    assert len(bars.until(moment - timedelta(microseconds=1))) == 1
    assert len(bars.since(moment + timedelta(microseconds=1))) == 2
    assert bars.until(moment).close.base is not None, "a slice is a view, not a copy"


def test_iterating_over_rows_is_refused() -> None:
    with pytest.raises(TypeError, match="column"):
        list(four_days())


def test_a_naive_moment_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        to_datetime64(datetime(2024, 1, 3))  # noqa: DTZ001 - the naive moment is the point


@given(st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)), st.integers(-14, 14))  # noqa: DTZ001 - naive bounds
def test_a_moment_converted_there_and_back_is_the_same(moment: datetime, hours: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert to_datetime(to_datetime64(aware)) == aware


@given(st.datetimes(datetime(2007, 3, 12), datetime(2030, 1, 1)))  # noqa: DTZ001 - naive bounds
def test_a_session_is_the_calendar_day_in_new_york(moment: datetime) -> None:
    local = moment.replace(tzinfo=UTC).astimezone(NEW_YORK)
    # from midnight to 23:00 in New York, longer than any trading day
    if local.hour < 23:
        assert session_dates(np.array([to_datetime64(moment.replace(tzinfo=UTC))]))[0].item() == local.date()


@given(st.lists(st.integers(-(10**15), 4 * 10**15), max_size=50).map(sorted))
def test_session_numbers_are_the_session_dates_of_ascending_times(microseconds: list[int]) -> None:
    times = np.array(microseconds, "M8[us]")
    assert session_numbers(times).tolist() == session_dates(times).astype(np.int64).tolist()


def test_minutes_of_each_timeframe() -> None:
    assert [timeframe.minutes for timeframe in Timeframe] == [1, 5, 15, 60, 1440, 10_080, 43_200]
