"""Hours and holidays of the New York Stock Exchange."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.core.bars import Timeframe, session_dates, to_datetime, to_datetime64
from tradedesk.marketdata import sessions

NEW_YORK = ZoneInfo("America/New_York")
DAY, HOUR = "1Day", "1Hour"


def ny(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def times(*moments: datetime) -> np.ndarray:
    return np.array([to_datetime64(moment) for moment in moments])


@pytest.mark.parametrize(
    ("day", "close"),
    [
        ("2012-03-05", "16:00"),
        ("2012-11-23", "13:00"),  # the day after Thanksgiving
        ("2012-12-24", "13:00"),  # Christmas Eve
        ("2013-07-03", "13:00"),  # before Independence Day
        ("2012-07-03", "13:00"),
        ("2012-03-12", "16:00"),  # first session of summer time
    ],
)
def test_a_daily_bar_is_complete_at_its_sessions_close(day: str, close: str) -> None:
    bar = sessions.daily_times(np.array([day], dtype="datetime64[D]"))
    assert to_datetime(bar[0]) == ny(f"{day} 00:00")
    assert to_datetime(sessions.bar_close(bar, DAY)[0]) == ny(f"{day} {close}")
    assert to_datetime(sessions.bar_open(bar, DAY)[0]) == ny(f"{day} 09:30")
    assert sessions.session_close(date.fromisoformat(day)) == ny(f"{day} {close}")
    assert sessions.session_open(date.fromisoformat(day)) == ny(f"{day} 09:30")


@pytest.mark.parametrize(
    "day",
    [
        "2012-10-29",  # hurricane Sandy
        "2012-10-30",
        "2001-09-11",
        "2012-12-25",
        "2012-04-06",  # Good Friday
        "2012-03-04",  # a Sunday
    ],
)
def test_closed_days_have_no_session(day: str) -> None:
    assert not sessions.is_session(np.array([day], dtype="datetime64[D]"))[0]
    assert not sessions.is_open(ny(f"{day} 12:00"))
    with pytest.raises(LookupError, match=f"{day} has no session"):
        sessions.session_close(date.fromisoformat(day))
    with pytest.raises(LookupError, match=f"{day} has no session"):
        sessions.session_open(date.fromisoformat(day))


def test_sandy_closes_the_market_from_friday_to_wednesday() -> None:
    friday_evening = ny("2012-10-26 16:00")
    assert sessions.next_open(friday_evening) == ny("2012-10-31 09:30")
    assert sessions.next_close(friday_evening) == ny("2012-10-31 16:00")
    assert sessions.previous_close(ny("2012-10-31 15:59")) == friday_evening
    found = sessions.sessions_between(date(2012, 10, 26), date(2012, 10, 31))
    assert [str(day) for day in found] == ["2012-10-26", "2012-10-31"]


def test_the_market_is_open_from_the_open_up_to_but_not_at_the_close() -> None:
    assert not sessions.is_open(ny("2012-11-23 09:29:59"))
    assert sessions.is_open(ny("2012-11-23 09:30"))
    assert sessions.is_open(ny("2012-11-23 12:59:59"))
    assert not sessions.is_open(ny("2012-11-23 13:00"))
    assert sessions.next_open(ny("2012-11-23 09:30")) == ny("2012-11-26 09:30")
    assert sessions.next_close(ny("2012-11-23 13:00")) == ny("2012-11-26 16:00")
    assert sessions.previous_close(ny("2012-11-23 13:00")) == ny("2012-11-23 13:00")


def test_a_daily_bar_on_a_day_without_session_lasts_24_hours() -> None:
    sunday = times(ny("2012-03-04 00:00"))
    assert to_datetime(sessions.bar_close(sunday, DAY)[0]) == ny("2012-03-04 00:00") + timedelta(hours=24)
    assert to_datetime(sessions.bar_open(sunday, DAY)[0]) == ny("2012-03-04 00:00")


@pytest.mark.parametrize(("timeframe", "minutes"), [("1Min", 1), ("5Min", 5), ("15Min", 15), ("1Hour", 60)])
def test_a_shorter_bar_is_complete_after_its_length(timeframe: str, minutes: int) -> None:
    bar = times(ny("2012-03-05 09:30"), ny("2012-03-05 15:00"))
    assert np.array_equal(sessions.bar_open(bar, timeframe), bar)
    assert np.array_equal(sessions.bar_close(bar, timeframe), bar + np.timedelta64(minutes, "m"))


@pytest.mark.parametrize(
    ("timeframe", "day", "opens", "closes"),
    [
        ("1Week", "2012-04-02", "2012-04-02 09:30", "2012-04-05 16:00"),  # Good Friday is the 6th
        ("1Week", "2012-11-19", "2012-11-19 09:30", "2012-11-23 13:00"),  # Thanksgiving, and a half day
        ("1Week", "2012-05-28", "2012-05-29 09:30", "2012-06-01 16:00"),  # Memorial Day is the Monday
        ("1Month", "2012-01-01", "2012-01-03 09:30", "2012-01-31 16:00"),  # New Year is observed on the 2nd
        ("1Month", "2012-06-01", "2012-06-01 09:30", "2012-06-29 16:00"),
    ],
)
def test_a_week_and_a_month_are_complete_at_the_close_of_their_last_session(
    timeframe: str, day: str, opens: str, closes: str
) -> None:
    bar = sessions.daily_times(np.array([day], dtype="datetime64[D]"))
    assert to_datetime(sessions.bar_open(bar, timeframe)[0]) == ny(opens)
    assert to_datetime(sessions.bar_close(bar, timeframe)[0]) == ny(closes)
    before = ny(closes) - timedelta(seconds=1)
    assert sessions.next_bar_close(before, timeframe) == ny(closes)
    assert sessions.next_bar_close(ny(closes), timeframe) > ny(closes)
    assert sessions.previous_bar_close(ny(closes), timeframe) == ny(closes)
    assert sessions.previous_bar_close(before, timeframe) < ny(opens)
    assert sessions.next_bar_close(sessions.previous_bar_close(before, timeframe), timeframe) == ny(closes)


def test_an_unknown_timeframe_is_refused() -> None:
    with pytest.raises(ValueError, match="2Day"):
        sessions.bar_close(times(ny("2012-03-05 00:00")), "2Day")


@given(
    st.lists(st.dates(date(1950, 1, 1), date(2060, 12, 31)), min_size=2, unique=True), st.sampled_from(Timeframe)
)
def test_bars_close_in_their_order_and_after_their_open(days: list[date], timeframe: Timeframe) -> None:
    dates = sessions.daily_times(np.array(days, dtype="datetime64[D]"))
    bars = sessions.daily_times(np.unique(sessions.bar_dates(dates, timeframe)[0]))
    opens, closes = sessions.bar_open(bars, timeframe), sessions.bar_close(bars, timeframe)
    assert (np.diff(closes) > np.timedelta64(0)).all()
    assert (bars <= opens).all()
    assert (opens < closes).all()


@given(st.dates(date(1960, 1, 1), date(2050, 12, 31)))
def test_a_daily_time_is_midnight_in_new_york_of_its_day(day: date) -> None:
    time = sessions.daily_time(day)
    assert time.astimezone(NEW_YORK).isoformat()[:19] == f"{day}T00:00:00"
    assert session_dates(times(time))[0].item() == day
    assert sessions.daily_times(np.array([day], dtype="datetime64[D]"))[0] == to_datetime64(time)


@given(st.integers(0, 50 * 365 * 24 * 60))
def test_opens_and_closes_alternate(minutes: int) -> None:
    now = datetime(1990, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    opening, close = sessions.next_open(now), sessions.next_close(now)
    assert sessions.is_open(now) == (close < opening)
    assert sessions.previous_close(now) <= now < min(opening, close)
    assert sessions.is_open(opening)
    assert not sessions.is_open(close)


def test_a_time_outside_the_calendar_is_refused() -> None:
    with pytest.raises(LookupError, match="ends before 2051"):
        sessions.next_open(datetime(2051, 1, 2, tzinfo=UTC))
    with pytest.raises(LookupError, match="begins after 1950"):
        sessions.previous_close(datetime(1950, 1, 2, tzinfo=UTC))
    assert not sessions.is_open(datetime(1950, 1, 3, 15, tzinfo=UTC))
    assert not sessions.is_open(datetime(2051, 1, 3, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    ("moment", "timeframe", "close"),
    [
        pytest.param("2012-03-05 16:00", DAY, "2012-03-06 16:00", id="daily, decided at the close"),
        pytest.param("2012-03-05 20:00", DAY, "2012-03-06 16:00", id="daily, in the evening"),
        pytest.param("2012-03-06 08:00", DAY, "2012-03-06 16:00", id="daily, before the open"),
        pytest.param("2012-03-06 11:00", DAY, "2012-03-06 16:00", id="daily, during the session"),
        pytest.param("2012-03-09 16:00", DAY, "2012-03-12 16:00", id="daily, over a weekend"),
        pytest.param("2012-11-21 16:00", DAY, "2012-11-23 13:00", id="daily, before a half day"),
        pytest.param("2012-03-05 11:00", HOUR, "2012-03-05 12:00", id="hourly, during the session"),
        pytest.param("2012-03-05 09:30", HOUR, "2012-03-05 10:30", id="hourly, at the open"),
        pytest.param("2012-03-05 16:00", HOUR, "2012-03-06 10:30", id="hourly, at the close"),
        pytest.param("2012-03-05 22:00", HOUR, "2012-03-06 10:30", id="hourly, in the evening"),
        pytest.param("2012-03-09 17:00", HOUR, "2012-03-12 10:30", id="hourly, over a weekend"),
        pytest.param("2012-11-23 13:00", HOUR, "2012-11-26 10:30", id="hourly, at the close of a half day"),
        pytest.param("2012-03-05 11:07", "15Min", "2012-03-05 11:22", id="quarter hour"),
    ],
)
def test_the_close_of_the_next_bar(moment: str, timeframe: str, close: str) -> None:
    assert sessions.next_bar_close(ny(moment), timeframe) == ny(close)
