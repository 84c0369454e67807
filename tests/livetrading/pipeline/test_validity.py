"""How long an entry is valid: from the calendar, over daylight saving time, holidays and half days."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from livetrading.pipeline.validity import GRACE, close_of, entry_valid_until, is_stale
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.sessions import next_bar_open

NEW_YORK = ZoneInfo("America/New_York")
INSTANT = timedelta(microseconds=1)


def ny(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


@pytest.mark.parametrize(
    ("timeframe", "closed", "until"),
    [
        pytest.param("1Day", "2012-03-06 16:00", "2012-03-07 10:00", id="daily"),
        pytest.param("1Day", "2012-03-09 16:00", "2012-03-12 10:00", id="over a weekend and to summer time"),
        pytest.param("1Day", "2012-11-02 16:00", "2012-11-05 10:00", id="over a weekend and to winter time"),
        pytest.param("1Day", "2012-04-05 16:00", "2012-04-09 10:00", id="over Good Friday"),
        pytest.param("1Day", "2012-11-23 13:00", "2012-11-26 10:00", id="from a half day"),
        pytest.param("1Day", "2012-11-21 16:00", "2012-11-23 10:00", id="over a holiday, to a half day"),
        pytest.param("1Week", "2012-03-09 16:00", "2012-03-12 10:00", id="weekly"),
        pytest.param("1Week", "2012-04-05 16:00", "2012-04-09 10:00", id="weekly, to a Thursday"),
        pytest.param("1Month", "2012-03-30 16:00", "2012-04-02 10:00", id="monthly"),
        pytest.param("1Min", "2012-03-06 12:01", "2012-03-06 12:02", id="a minute"),
        pytest.param("1Hour", "2012-03-06 12:00", "2012-03-06 13:00", id="an hour"),
        pytest.param("5Min", "2012-03-06 16:00", "2012-03-07 09:35", id="the last bar of a day"),
        pytest.param("5Min", "2012-11-23 13:00", "2012-11-26 09:35", id="the last bar of a half day"),
        pytest.param("15Min", "2012-03-09 16:00", "2012-03-12 09:45", id="the last bar before summer time"),
    ],
)
def test_an_entry_is_valid_until_the_open_that_it_is_meant_for_and_its_grace(
    timeframe: str, closed: str, until: str
) -> None:
    assert entry_valid_until(ny(closed), timeframe) == ny(until)


@pytest.mark.parametrize("timeframe", [each.value for each in Timeframe if each.is_dated])
def test_the_simulation_takes_an_entry_that_comes_at_the_close_of_its_bar(timeframe: str) -> None:
    """On the replay market the clock goes from close to close: the bar after it opens before the entry expires."""
    for day in ("2012-03-09", "2012-03-30", "2012-04-05", "2012-06-29", "2012-11-23"):
        closed = close_of(ny(f"{day} 00:00"), timeframe)
        assert closed <= next_bar_open(closed, timeframe) < entry_valid_until(closed, timeframe)


@pytest.mark.parametrize(
    ("timeframe", "moment", "opens"),
    [
        ("1Day", "2012-03-06 16:00", "2012-03-07 09:30"),
        ("1Day", "2012-03-07 09:30", "2012-03-07 09:30"),
        ("1Day", "2012-03-07 09:31", "2012-03-08 09:30"),
        ("1Week", "2012-03-09 16:00", "2012-03-12 09:30"),
        ("1Week", "2012-03-12 09:31", "2012-03-19 09:30"),
        ("1Week", "2012-05-25 16:00", "2012-05-29 09:30"),  # Memorial Day
        ("1Month", "2012-03-15 12:00", "2012-04-02 09:30"),
    ],
)
def test_the_open_of_the_next_dated_bar(timeframe: str, moment: str, opens: str) -> None:
    assert next_bar_open(ny(moment), timeframe) == ny(opens)


@pytest.mark.parametrize(
    ("timeframe", "newest", "due"),
    [
        pytest.param("1Day", "2012-03-06 00:00", "2012-03-08 10:00", id="daily: two opens later"),
        pytest.param("1Day", "2012-03-08 00:00", "2012-03-12 10:00", id="over a weekend"),
        pytest.param("1Week", "2012-03-05 00:00", "2012-03-19 10:00", id="weekly"),
        pytest.param("1Hour", "2012-03-06 11:00", "2012-03-06 14:00", id="hourly: two bars later"),
        pytest.param("1Min", "2012-03-06 15:59", "2012-03-07 09:32", id="overnight"),
    ],
)
def test_data_are_stale_once_the_entries_of_the_next_bar_would_be_too_late(
    timeframe: str, newest: str, due: str
) -> None:
    assert not is_stale(ny(newest), timeframe, ny(due))
    assert is_stale(ny(newest), timeframe, ny(due) + INSTANT)


def test_the_grace_ends_long_before_the_close() -> None:
    assert timedelta(0) < GRACE <= timedelta(hours=1)
