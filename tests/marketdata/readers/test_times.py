from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.marketdata.readers.reading import read
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata.readers.arrays import text_array
from tradedesk.marketdata.readers.file_series import DateOrder
from tradedesk.marketdata.readers.times import understand_times
from tradedesk.marketdata.refusal import ImportRefused

DAY, HOUR = Timeframe.DAY, Timeframe.HOUR
SUMMER_NOON = "2012-07-03T16:00"  # in UTC; noon in New York


def times_of(
    *columns: list[str], timeframe: Timeframe = DAY, zone: str = "", date_order: DateOrder | None = None
) -> list[str]:
    found = understand_times(
        [text_array(column) for column in columns], timeframe, title_zone=zone, date_order=date_order
    )
    return [str(time)[:16] for time in found.times]


@pytest.mark.parametrize(
    "written",
    [
        "2012-03-05",
        " 2012-03-05 ",
        "2012/3/5",
        "2012.03.05",
        "20120305",
        "5.3.2012",
        "05.03.12",
        "Mar 5, 2012",
        "Monday, March 05, 2012",
        "5-Mar-12",
        "05Mar2012",
        "2012-Mar-05",
        "2012-03-05 00:00:00",
        "2012-03-05T16:00:00",  # stamped with the close, New York time
        "2012-03-05T05:00:00Z",  # Alpaca
        "2012-03-05 00:00:00-05:00",  # Yahoo
        "2012-03-05 00:00:00+00:00",  # pandas, in UTC: the date as it is written
        "2012-03-05T00:00:00.000000000Z",
        "2012-03-05T21:00:00+00:00",  # stamped with the close in UTC
        "Mon Mar 05 2012 00:00:00 GMT-0500 (Eastern Standard Time)",
        "1330923600",  # 05:00 UTC
        "1330905600000",  # midnight UTC: the date as it is written
        "40973",  # a spreadsheet's number of the day
    ],
)
def test_a_daily_bar_gets_midnight_in_new_york_of_its_session(written: str) -> None:
    assert times_of([written]) == ["2012-03-05T05:00"]


@pytest.mark.parametrize(
    "written",
    [
        "2012-07-03 12:00",
        "2012-07-03T12:00:00",
        "2012-07-03T16:00:00Z",
        "2012-07-03T18:00:00+02:00",
        "2012-07-03 12:00:00 EST",
        "2012-07-03 12:00 America/New_York",
        "20120703  12:00:00 US/Eastern",
        "201207031200",
        "20120703 120000",
        "7/3/2012 12:00 PM",
        "1341331200",
        "1341331200000",
        "1341331200000000",
        "1341331200000000000",
        "1341331200.0",
        "41093.5",
    ],
)
def test_a_shorter_bar_keeps_its_moment_and_without_a_zone_it_is_new_york_time(written: str) -> None:
    assert times_of([written], timeframe=HOUR, date_order="mdy" if "/2012" in written else None) == [SUMMER_NOON]


def test_a_date_and_a_time_of_day_may_be_two_columns() -> None:
    for date, clock in [("2012-07-03", "12:00"), ("20120703", "120000"), ("2012-07-03 00:00:00", "12:00:00")]:
        assert times_of([date], [clock], timeframe=HOUR) == [SUMMER_NOON]
    # A spreadsheet cuts the zeros in front.
    assert times_of(["20120703"] * 2, ["930", "1200"], timeframe=HOUR) == ["2012-07-03T13:30", SUMMER_NOON]


def test_the_title_of_the_column_may_name_the_zone() -> None:
    assert times_of(["2012-07-03 16:00"], timeframe=HOUR, zone="GMT") == [SUMMER_NOON]
    text = "Gmt time,Open,High,Low,Close,Volume\n03.07.2012 16:00:00.000,1,2,1,2,5\n"
    assert read(text, HOUR).bars.time[0] == np.datetime64(SUMMER_NOON)


def test_est_beside_edt_is_its_own_offset_and_alone_new_york_time() -> None:
    both = ["2012-07-03 11:00 EST", "2012-07-03 12:00 EDT"]
    assert times_of(both, timeframe=HOUR) == [SUMMER_NOON, SUMMER_NOON]
    assert times_of(["2012-07-03 12:00 EST"], timeframe=HOUR) == [SUMMER_NOON]


@pytest.mark.parametrize(
    ("dates", "first"),
    [
        (["01/03/2023", "01/13/2023"], "2023-01-03"),
        (["01/03/2023", "13/03/2023"], "2023-03-01"),
        (["01.03.2023", "02.03.2023"], "2023-03-01"),  # points: the day is first
        (["01/11/2023", "01/12/2023", "02/01/2023"], "2023-01-11"),  # only so do they rise
    ],
)
def test_the_whole_column_settles_the_order_of_day_and_month(dates: list[str], first: str) -> None:
    assert times_of(dates)[0][:10] == first


def test_an_open_order_is_asked_for() -> None:
    dates = ["01/03/2023", "01/04/2023", "01/05/2023"]
    with pytest.raises(ImportRefused, match=r"“01/03/2023”.*--date-order") as refusal:
        times_of(dates)
    assert refusal.value.field == "date_order"
    assert [time[:10] for time in times_of(dates, date_order="mdy")] == ["2023-01-03", "2023-01-04", "2023-01-05"]
    assert [time[:10] for time in times_of(dates, date_order="dmy")] == ["2023-03-01", "2023-04-01", "2023-05-01"]


def test_an_order_that_the_column_refutes_is_refused() -> None:
    with pytest.raises(ImportRefused) as refusal:
        times_of(["13/01/2023", "14/01/2023"], date_order="mdy")
    assert refusal.value.field == "date_order"


def test_daily_bars_at_a_late_hour_of_utc_belong_to_the_session_before() -> None:
    """Eight in the evening in New York is midnight in UTC, in summer alone."""
    winter = [f"2023-01-{day:02}T01:00:00Z" for day in (4, 5, 6)]
    assert times_of([*winter, "2023-06-07T00:00:00Z"])[-1][:10] == "2023-06-06"


@pytest.mark.parametrize(
    "written", ["yesterday", "2012-13-01", "2012-02-30", "0001-01-01", "9999-12-31", "2012-07-03 25:00", "12"]
)
def test_what_is_no_time_is_unreadable(written: str) -> None:
    assert times_of(["2012-03-05", written])[-1] == "NaT"


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1)),  # noqa: DTZ001 - hypothesis wants naive bounds
    st.integers(-12 * 60, 14 * 60),
)
def test_a_time_is_the_same_in_any_zone(naive: datetime, offset: int) -> None:
    elsewhere = naive.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset)))
    assert times_of([elsewhere.isoformat(sep=" ")], timeframe=HOUR) == [naive.isoformat()[:16]]


def test_several_bars_a_day_are_refused_as_daily_bars() -> None:
    rows = [f"2023-01-{day:02} {hour}:30,1,2,1,2,5" for day in (3, 4, 5) for hour in range(10, 16)]
    with pytest.raises(ImportRefused, match="looks like 1Hour, not 1Day") as refusal:
        read("\n".join(["Date,Open,High,Low,Close,Volume", *rows]))
    assert refusal.value.field == "timeframe"


def test_a_year_of_two_digits_may_stand_first() -> None:
    days = [f"23/01/{day:02}" for day in (3, 4, 5, 6)]
    assert times_of(days)[0] == "2023-01-03T05:00"
    assert times_of([f"{day:02}.01.23" for day in (3, 4, 5, 6)])[3] == "2023-01-06T05:00"
    assert times_of(["01/13/23", "01/17/23"])[0] == "2023-01-13T05:00"


def test_numbers_of_days_are_those_without_weekends() -> None:
    # From Monday, 2 January 2023: R counts from 1970, a spreadsheet from 1900.
    week = [*range(5), *range(7, 12)]
    for first in (19_359, 44_928):
        assert times_of([str(first + day) for day in week])[0] == "2023-01-02T05:00"


def test_epochs_that_lost_their_digits_are_refused() -> None:
    with pytest.raises(ImportRefused, match=r"lost digits"):
        times_of(["1.67270E+12", "1.67279E+12"])
    assert times_of(["1.672704e+18", "1.6727904e+18"])[1] == "2023-01-04T05:00"
