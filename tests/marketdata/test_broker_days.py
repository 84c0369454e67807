"""The calendar of a broker against the installed one: a closure and a half day that were not planned."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from pytest_django import Settings

from tradedesk.marketdata import broker_days, sessions, trading_calendar
from tradedesk.marketdata.broker_days import MOST, Days, Implausible, differences, take_over
from tradedesk.marketdata.clock import market_clock
from tradedesk.marketdata.trading_calendar import TradingCalendar, installed_calendar, use_days, with_days

# Monday to Friday, without a holiday.
MONDAY, FRIDAY = date(2020, 3, 2), date(2020, 3, 6)
TUESDAY, SATURDAY = MONDAY + timedelta(days=1), date(2020, 3, 7)
HALF = (datetime(2020, 3, 3, 14, 30, tzinfo=UTC), datetime(2020, 3, 3, 18, tzinfo=UTC))
SATURDAYS = (datetime(2020, 3, 7, 14, 30, tzinfo=UTC), datetime(2020, 3, 7, 18, tzinfo=UTC))


@pytest.fixture
def _changed() -> Iterator[None]:
    yield
    use_days({})


def installed(first: date = MONDAY, last: date = SATURDAY) -> dict[date, tuple[datetime, datetime]]:
    days: list[date] = sessions.sessions_between(first, last).tolist()
    return {day: (sessions.session_open(day), sessions.session_close(day)) for day in days}


def differ(theirs: Days) -> Days:
    return differences(installed_calendar(), theirs, MONDAY, SATURDAY)


# --- The comparison ----------------------------------------------------------------------------------------------


def test_the_same_days_do_not_differ() -> None:
    assert differ(installed()) == {}
    assert differ(installed(first=date(2020, 2, 24), last=date(2020, 3, 20))) == {}


def test_a_closure_a_half_day_and_a_new_session_differ() -> None:
    theirs: dict[date, trading_calendar.Hours] = {**installed(), TUESDAY: HALF, SATURDAY: SATURDAYS}
    del theirs[MONDAY]
    assert differ(theirs) == {MONDAY: None, TUESDAY: HALF, SATURDAY: SATURDAYS}


def test_an_answer_without_sessions_or_with_many_differences_is_not_believed() -> None:
    with pytest.raises(Implausible):
        differ({})
    with pytest.raises(Implausible):
        differ(installed(first=date(2020, 4, 1), last=date(2020, 4, 3)))
    hour = timedelta(hours=1)
    later = {day: (opens + hour, closes + hour) for day, (opens, closes) in installed().items()}
    assert len(later) == MOST + 1
    with pytest.raises(Implausible):
        differ(later)
    assert len(differ({**later, FRIDAY: installed()[FRIDAY]})) == MOST


def test_days_without_a_session_may_have_none() -> None:
    """A weekend."""
    assert differences(installed_calendar(), {}, SATURDAY, SATURDAY + timedelta(days=1)) == {}


# --- The calendar ------------------------------------------------------------------------------------------------


def in_order(calendar: TradingCalendar) -> bool:
    return bool(
        (np.diff(calendar.dates) > np.timedelta64(0, "D")).all() and (calendar.opens < calendar.closes).all()
    )


def test_a_calendar_with_other_days() -> None:
    found = with_days(installed_calendar(), {MONDAY: None, TUESDAY: HALF, SATURDAY: SATURDAYS})
    assert in_order(found)
    assert (found.opens.dtype, found.dates.dtype) == (np.dtype("datetime64[us]"), np.dtype("datetime64[D]"))
    assert found.dates.size == installed_calendar().dates.size
    assert differences(found, installed(), MONDAY, SATURDAY) == {
        MONDAY: installed()[MONDAY],
        TUESDAY: installed()[TUESDAY],
        SATURDAY: None,
    }


@pytest.mark.usefixtures("_changed")
def test_the_desk_goes_by_the_other_days_until_they_are_taken_back() -> None:
    noon = datetime(2020, 3, 2, 17, tzinfo=UTC)
    assert sessions.is_open(noon)
    use_days({MONDAY: None, TUESDAY: HALF})
    assert not sessions.is_open(noon)
    assert sessions.next_open(noon) == HALF[0]
    assert sessions.next_close(noon) == sessions.session_close(TUESDAY) == HALF[1]
    with pytest.raises(LookupError):
        sessions.session_open(MONDAY)
    use_days({})
    assert sessions.is_open(noon)


# --- Taking it over ----------------------------------------------------------------------------------------------


@pytest.fixture
def readings(settings: Settings, monkeypatch: pytest.MonkeyPatch, _changed: None) -> list[Days | Exception]:
    """What the next readings of this process give."""
    settings.MARKET = "alpaca"
    given: list[Days | Exception] = []

    def read() -> Days:
        found = given.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(broker_days, "_reader", broker_days._Reader(read))
    return given


def test_a_process_takes_the_days_over_where_it_reads_the_clock(readings: list[Days | Exception]) -> None:
    readings += [{MONDAY: None}, {}]
    market_clock()
    assert sessions.sessions_between(MONDAY, MONDAY).size == 0
    market_clock()
    assert len(readings) == 1  # not each time
    broker_days._reader.again_at = 0.0
    market_clock()
    assert sessions.sessions_between(MONDAY, MONDAY).size == 1


def test_days_that_cannot_be_read_change_nothing(readings: list[Days | Exception]) -> None:
    readings += [{MONDAY: None}, OSError("the database is away")]
    take_over()
    broker_days._reader.again_at = 0.0
    take_over()
    assert readings == []
    assert sessions.sessions_between(MONDAY, MONDAY).size == 0


@pytest.mark.parametrize("market", ["replay", "real"])
def test_other_markets_have_the_installed_calendar(
    readings: list[Days | Exception], settings: Settings, market: str
) -> None:
    settings.MARKET = market
    readings += [{MONDAY: None}]
    take_over()
    assert len(readings) == 1
