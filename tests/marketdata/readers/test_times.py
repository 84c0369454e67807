from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.readers.times import bar_time

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = datetime(2012, 3, 5, 5, tzinfo=UTC)  # midnight in New York, in winter time
DAY, MINUTE = Timeframe.DAY, Timeframe.MINUTE


@pytest.mark.parametrize(
    "written",
    [
        "2012-03-05",
        " 2012-03-05 ",
        "20120305",
        "2012-03-05 00:00:00",
        "2012-03-05T16:00:00",  # stamped with the close, New York time
        "2012-03-05T05:00:00Z",  # Alpaca
        "2012-03-05 00:00:00-05:00",  # Yahoo
        "2012-03-05 00:00:00+00:00",  # pandas, in UTC: the date as it is written
        "2012-03-05T21:00:00+00:00",  # stamped with the close in UTC
        date(2012, 3, 5),
        datetime(2012, 3, 5),  # noqa: DTZ001 - as Parquet files hold them
        datetime(2012, 3, 5, tzinfo=UTC),
        datetime(2012, 3, 5, tzinfo=NEW_YORK),
        datetime(2012, 3, 5, 14, 30, tzinfo=UTC),
    ],
)
def test_a_daily_bar_gets_midnight_in_new_york_of_its_session(written: str | date) -> None:
    assert bar_time(written, DAY) == MONDAY


@pytest.mark.parametrize(
    "written",
    [
        "2012-07-02 09:30",
        "2012-07-02T09:30:00",
        "2012-07-02T13:30:00Z",
        "2012-07-02T15:30:00+02:00",
        datetime(2012, 7, 2, 9, 30),  # noqa: DTZ001 - as Parquet files hold them
        datetime(2012, 7, 2, 9, 30, tzinfo=NEW_YORK),
    ],
)
def test_a_shorter_bar_keeps_its_moment_and_without_a_zone_it_is_new_york_time(written: str | datetime) -> None:
    assert bar_time(written, MINUTE) == datetime(2012, 7, 2, 13, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["", "03/05/2012", "5.3.2012", "yesterday", "2012-13-01", "2012-02-30", "40973"]
)
@pytest.mark.parametrize(("timeframe", "example"), [(DAY, "like 2012-03-05."), (MINUTE, "like 2012-03-05 09:30.")])
def test_a_text_that_is_not_a_time_is_refused_with_an_example(
    written: str, timeframe: Timeframe, example: str
) -> None:
    with pytest.raises(ValueError, match=f"“{written}” is not a time. Write it {example}"):
        bar_time(written, timeframe)


@pytest.mark.parametrize("written", ["2012-03-05", date(2012, 3, 5)])
def test_a_bar_shorter_than_a_day_needs_a_time_of_day(written: str | date) -> None:
    with pytest.raises(ValueError, match="“2012-03-05” is a date without a time of day"):
        bar_time(written, MINUTE)


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_times_outside_the_range_of_dates_are_refused(written: str) -> None:
    with pytest.raises(ValueError, match="out of range"):
        bar_time(written, MINUTE)


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001 - hypothesis wants naive bounds
    st.integers(-12 * 60, 14 * 60),
)
def test_a_time_is_the_same_in_any_zone(naive: datetime, offset: int) -> None:
    moment = naive.replace(tzinfo=UTC)
    elsewhere = moment.astimezone(timezone(timedelta(minutes=offset)))
    assert bar_time(elsewhere, MINUTE) == moment
    assert bar_time(elsewhere.isoformat(), MINUTE) == moment
