"""The time of the next check. New York is five hours behind UTC in winter and four hours in summer."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from livetrading.models import LiveStrategy
from livetrading.pipeline.next_check import follows_bars, next_check
from livetrading.pipeline.validity import GRACE, close_of, entry_valid_until
from livetrading.services.missed_checks import missed_before
from tradedesk.core.bars import Timeframe, to_datetime64
from tradedesk.marketdata.clock import MarketStatus
from tradedesk.marketdata.sessions import (
    bar_dates,
    daily_time,
    is_open,
    next_bar_close,
    next_open,
    session_close,
    session_open,
    sessions_between,
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def bars_of(day: date, timeframe: Timeframe) -> list[tuple[datetime, datetime]]:
    """The times and closes of the bars of a session, or of the dated bar that it belongs to."""
    if timeframe.is_dated:
        first, _ = bar_dates(np.array([to_datetime64(daily_time(day))]), timeframe)
        time = daily_time(first[0].tolist())
        return [(time, close_of(time, timeframe))]
    length, at = timedelta(minutes=timeframe.minutes), session_open(day)
    found = []
    while at + length <= session_close(day):
        found.append((at, at + length))
        at += length
    return found


def live(timeframe: str = "1Day", seconds: int = 300) -> LiveStrategy:
    return LiveStrategy(timeframe=timeframe, check_interval=seconds)


@pytest.mark.parametrize(
    ("now", "newest", "then"),
    [
        # Monday 10:00 with Friday's bar: the market is open, so after the interval.
        ("2012-03-05T15:00", date(2012, 3, 2), "2012-03-05T15:05"),
        # Monday's close with its bar: the next bar arrives at Tuesday's close.
        ("2012-03-05T21:00", date(2012, 3, 5), "2012-03-06T21:00"),
        # Monday's close without its bar: the bar can arrive after the interval, and later in the night.
        ("2012-03-05T21:00", date(2012, 3, 2), "2012-03-05T21:05"),
        ("2012-03-06T03:00", date(2012, 3, 2), "2012-03-06T03:05"),
        # Two minutes before the close: the interval ends after it, when Monday's bar is due.
        ("2012-03-05T20:58", date(2012, 3, 2), "2012-03-05T21:03"),
        # Monday 9:27: the interval ends in the session.
        ("2012-03-05T14:27", date(2012, 3, 2), "2012-03-05T14:32"),
        # Monday 9:00, with Friday's bar: Monday's close.
        ("2012-03-05T14:00", date(2012, 3, 2), "2012-03-05T21:00"),
        # Friday's close, over the weekend in which summer time begins.
        ("2012-03-09T21:00", date(2012, 3, 9), "2012-03-12T20:00"),
        # Friday's close, over the weekend in which winter time begins.
        ("2012-11-02T20:00", date(2012, 11, 2), "2012-11-05T21:00"),
        # Wednesday before Thanksgiving: Friday is a half day and closes at 13:00.
        ("2012-11-21T21:00", date(2012, 11, 21), "2012-11-23T18:00"),
        # A half day itself: closed at 13:00; Independence Day is a holiday.
        ("2012-07-03T17:00", date(2012, 7, 3), "2012-07-05T20:00"),
        # On that half day at 13:30 its bar is already due.
        ("2012-07-03T17:30", date(2012, 7, 2), "2012-07-03T17:35"),
    ],
)
def test_a_daily_strategy(now: str, newest: date, then: str) -> None:
    assert next_check(live(), daily_time(newest), utc(now)) == utc(then)


@pytest.mark.parametrize(
    ("timeframe", "now", "newest", "then"),
    [
        # Five minutes are longer than the bar, so the check comes at its close, or looks for a bar that is late.
        ("1Min", "2012-03-05T15:00", "2012-03-05T14:59", "2012-03-05T15:01"),
        ("1Min", "2012-03-05T15:00:50", "2012-03-05T14:59", "2012-03-05T15:01"),
        ("1Min", "2012-03-05T15:00", "2012-03-05T14:58", "2012-03-05T15:00:15"),
        ("5Min", "2012-03-05T15:00", "2012-03-05T14:55", "2012-03-05T15:05"),
        ("5Min", "2012-03-05T15:01", "2012-03-05T14:50", "2012-03-05T15:02:15"),
        # They are shorter than these.
        ("15Min", "2012-03-05T15:02", "2012-03-05T14:45", "2012-03-05T15:07"),
        ("1Hour", "2012-03-05T15:00", "2012-03-05T14:00", "2012-03-05T15:05"),
        # Monday 20:00 with the last minute bar: Tuesday's open.
        ("1Min", "2012-03-06T01:00", "2012-03-05T20:59", "2012-03-06T14:30"),
        # Two minutes before the close two more bars are expected; the next check must not wait for the next day.
        ("1Min", "2012-03-05T20:58", "2012-03-05T20:57", "2012-03-05T20:59"),
        ("1Min", "2012-03-05T20:59", "2012-03-05T20:58", "2012-03-05T21:00"),
        ("5Min", "2012-03-05T20:56", "2012-03-05T20:50", "2012-03-05T21:00"),
        # The hourly bar of 15:30 ends at 16:30, after the close.
        ("1Hour", "2012-03-05T21:05", "2012-03-05T19:30", "2012-03-05T21:10"),
        ("1Hour", "2012-03-05T21:30", "2012-03-05T20:30", "2012-03-06T14:30"),
        # Before a holiday.
        ("15Min", "2012-07-03T17:00", "2012-07-03T16:45", "2012-07-05T13:30"),
    ],
)
def test_an_intraday_strategy(timeframe: str, now: str, newest: str, then: str) -> None:
    assert next_check(live(timeframe), utc(newest), utc(now)) == utc(then)


@pytest.mark.parametrize("timeframe", list(Timeframe))
def test_without_bars_the_next_check_is_after_the_interval_even_at_night(timeframe: str) -> None:
    assert next_check(live(timeframe), None, utc("2012-03-06T03:00")) == utc("2012-03-06T03:05")


def test_through_a_year_each_session_is_checked_at_its_close_and_none_is_missed() -> None:
    """Two changes of the clocks, ten holidays, half days and a hurricane: a daily strategy that is checked when it
    is due sees each session at its close. Its entries are good for the next open, and nothing alarms before a
    check is missed for three intervals of open market."""
    real, interval = MarketStatus("real", is_open=True), 300
    days = sessions_between(date(2012, 1, 3), date(2013, 1, 4)).tolist()
    assert {(session_close(day) - session_open(day)).seconds / 3600 for day in days} == {6.5, 3.5}
    assert {session_close(day).hour for day in days} == {17, 18, 20, 21}
    for day, following, third in zip(days, days[1:], days[2:], strict=False):
        closed = session_close(day)
        due = next_check(live(seconds=interval), daily_time(day), closed)
        assert due == session_close(following)
        assert entry_valid_until(closed, "1Day") == session_open(following) + GRACE < due
        alarm = session_open(third) + timedelta(minutes=15)
        assert missed_before(alarm - timedelta(seconds=1), interval, real) < due
        assert missed_before(alarm, interval, real) >= due


@given(
    st.sampled_from(list(Timeframe)),
    st.integers(60, 3600),
    st.integers(0, 59),
    st.sampled_from([date(2012, 3, 5), date(2012, 7, 3), date(2012, 11, 23)]),
)
def test_every_bar_is_seen_before_the_next_one_has_closed(
    timeframe: Timeframe, seconds: int, started: int, day: date
) -> None:
    """Whatever the interval is, a check finds each bar of a session while it is the newest."""
    bars = bars_of(day, timeframe)
    end = bars[-1][1]
    now = (end - timedelta(hours=3) if timeframe.is_dated else session_open(day)) + timedelta(seconds=started)
    seen = set[int]()
    newest = daily_time(sessions_between(day - timedelta(days=70), bars[0][0].date())[-30].tolist())
    while now < end:
        known = [opened for opened, closed in bars if closed <= now]
        seen.add(len(known))
        now = next_check(live(timeframe, seconds), known[-1] if known else newest, now)
    complete = sum(closed <= now for _, closed in bars)
    assert set(range(min(seen), complete)) <= seen
    assert complete == len(bars)
    assert now - end < min(timedelta(seconds=seconds), timedelta(minutes=timeframe.minutes))


@pytest.mark.parametrize(
    ("timeframe", "seconds", "follows"),
    [
        ("1Min", 60, True),
        ("5Min", 299, False),
        ("5Min", 300, True),
        ("15Min", 3600, True),
        ("1Hour", 3599, False),
        ("1Hour", 3600, True),
        *[(timeframe, 3600, False) for timeframe in ("1Day", "1Week", "1Month")],
    ],
)
def test_the_check_follows_bars_that_are_not_longer_than_the_interval(
    timeframe: str, seconds: int, follows: bool
) -> None:
    assert follows_bars(seconds, timeframe) is follows


@given(
    st.sampled_from(sessions_between(date(2011, 1, 3), date(2012, 12, 31)).tolist()),
    st.integers(-420, 1_000),
    st.integers(60, 3600),
    st.integers(-60, 5_000),
    st.sampled_from(list(Timeframe)),
)
def test_the_next_check_is_after_the_interval_or_when_the_next_bar_can_arrive(
    day: date, after_the_close: int, seconds: int, age: int, timeframe: Timeframe
) -> None:
    """After the interval while the market is open, or sooner where it follows the bars; otherwise after the
    interval or at the next open (at the next close of a dated bar)."""
    now = session_close(day) + timedelta(minutes=after_the_close)
    soon = now + timedelta(seconds=seconds)
    newest = now - timedelta(minutes=age)
    then = next_check(live(timeframe, seconds), newest, now)
    if follows_bars(seconds, timeframe):
        assert then > now
        assert then <= max(soon, next_open(soon))
    elif is_open(soon):
        assert then == soon
    else:
        latest = next_bar_close(soon, timeframe) if timeframe.is_dated else next_open(soon)
        assert then in (soon, latest)


@pytest.mark.parametrize(
    ("timeframe", "newest", "now", "following"),
    [
        # A second until the minute is served, and two on the way.
        ("1Min", "2012-03-05T15:00", "2012-03-05T15:01:02", "2012-03-05T15:02:03"),
        # It is late: a quarter of a minute later.
        ("1Min", "2012-03-05T15:00", "2012-03-05T15:02:04", "2012-03-05T15:02:19"),
        # The day is served sixteen minutes after the close.
        ("1Day", "2012-03-05T05:00", "2012-03-05T21:16:03", "2012-03-06T21:16:02"),
    ],
)
def test_a_check_does_not_come_before_the_bar_of_a_feed(
    settings: Settings, timeframe: str, newest: str, now: str, following: str
) -> None:
    settings.MARKET = "alpaca"
    assert next_check(live(timeframe), utc(newest), utc(now)) == utc(following)
