"""The desk's clock and calendar against Alpaca's, through the stand-in."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from livetrading.models import BrokerAccount, MarketDay, TimeComparison
from livetrading.services.broker_time import EVERY, calendar_is_due, compare, skew, stored_days
from livetrading.summaries.broker_health import LARGEST, OLD_CALENDAR, OLD_CLOCK, judge_calendar, judge_clock
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.stand_in import StandIn, one_server, server, stand_in
from tradedesk.accounts.models import User
from tradedesk.marketdata.broker_days import MOST
from tradedesk.monitoring.findings import State

__all__ = ["one_server", "server"]

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
# A Monday, 8:00 in New York.
MORNING = datetime(2012, 3, 5, 13, tzinfo=UTC)
WEDNESDAY, THURSDAY = date(2012, 3, 7), date(2012, 3, 8)
HALF = (datetime(2012, 3, 8, 14, 30, tzinfo=UTC), datetime(2012, 3, 8, 18, tzinfo=UTC))


@pytest.fixture
def alpaca(server: AlpacaServer, alice: User, settings: Settings) -> StandIn:
    """Alice's verified account, a Monday before the market opens."""
    found = stand_in(server, alice, settings, MORNING)
    BrokerAccount.objects.filter(pk=found.account.pk).update(verified_at=MORNING)
    return found


def at(moment: datetime) -> Callable[[], datetime]:
    return lambda: moment


def row() -> TimeComparison:
    return TimeComparison.objects.get()


def look(alpaca: StandIn, moment: datetime) -> None:
    """A comparison at this time of both."""
    alpaca.server.market.now = moment
    assert compare(at(moment))


# --- Rules -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "ahead"),
    [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (-3.0, 3.0), (5.0, -4.0)],
)
def test_a_difference_that_the_way_of_the_answer_explains_is_none(theirs: float, ahead: float) -> None:
    assert skew(MORNING, MORNING + theirs * SECOND, MORNING + SECOND) == ahead


@pytest.mark.parametrize(
    ("last", "is_due"),
    [
        (None, True),
        (MORNING - SECOND, True),
        (MORNING, False),
        (MORNING + 3 * SECOND, True),  # of the future
    ],
)
def test_the_calendar_is_compared_each_day_at_eight(last: datetime | None, *, is_due: bool) -> None:
    assert calendar_is_due(last, MORNING) is is_due
    before = MORNING - SECOND
    assert calendar_is_due(MORNING - DAY, before) is False


# --- The comparison ----------------------------------------------------------------------------------------------


def test_calendars_that_agree_store_nothing(alpaca: StandIn) -> None:
    look(alpaca, MORNING)
    assert alpaca.asked() == ["GET /v2/clock", "GET /v2/calendar"]
    assert (row().error, row().doubt, row().calendar_at) == ("", "", MORNING)
    assert abs(row().ahead) < 1
    assert stored_days() == {}


def test_a_closure_and_a_half_day_are_stored_and_taken_back(alpaca: StandIn) -> None:
    alpaca.server.market.other_hours = {WEDNESDAY: None, THURSDAY: ("09:30", "13:00")}
    look(alpaca, MORNING)
    assert stored_days() == {WEDNESDAY: None, THURSDAY: HALF}
    finding = judge_calendar(row(), list(MarketDay.objects.all()), MORNING)
    assert finding.state == State.WARNING
    assert "2012-03-07 closed, 2012-03-08 from 09:30 to 13:00" in finding.text

    del alpaca.server.market.other_hours[THURSDAY]
    look(alpaca, MORNING + DAY)
    assert stored_days() == {WEDNESDAY: None}
    # A day that has passed stays: the market was closed.
    look(alpaca, MORNING + 4 * DAY)
    assert stored_days() == {WEDNESDAY: None}


def test_a_calendar_without_sessions_is_not_believed(alpaca: StandIn) -> None:
    days = [MORNING.date() + n * DAY for n in range(20)]
    alpaca.server.market.other_hours = dict.fromkeys(days)
    look(alpaca, MORNING)
    assert stored_days() == {}
    assert row().doubt
    assert judge_calendar(row(), [], MORNING).state == State.WARNING


def test_there_is_one_comparison_in_a_while_and_one_of_the_calendar_a_day(alpaca: StandIn) -> None:
    look(alpaca, MORNING)
    assert not compare(at(MORNING + EVERY))
    look(alpaca, MORNING + EVERY + SECOND)
    assert alpaca.asked() == ["GET /v2/clock", "GET /v2/calendar", "GET /v2/clock"]
    # After the clock went back by a day, too.
    assert compare(at(MORNING - DAY))


def test_a_clock_that_is_wrong_is_measured(alpaca: StandIn) -> None:
    assert compare(at(MORNING + 10 * SECOND))
    assert 9 < row().ahead <= 10
    assert judge_clock(row(), MORNING).state == State.WARNING


def test_a_broker_that_does_not_answer_leaves_what_was_known(alpaca: StandIn) -> None:
    alpaca.server.market.other_hours = {WEDNESDAY: None}
    look(alpaca, MORNING)
    alpaca.server.script.add("error_before", path="/v2/calendar", status=503)
    look(alpaca, MORNING + DAY)
    assert row().error
    assert row().calendar_at == MORNING
    assert stored_days() == {WEDNESDAY: None}


def test_the_keys_of_the_installation_come_first_and_accounts_after_them(alpaca: StandIn, settings: Any) -> None:
    settings.ALPACA_API_BASE_URL = alpaca.server.url
    settings.ALPACA_DATA_KEY_ID, settings.ALPACA_DATA_SECRET = "PKWRONG", "wrong"
    look(alpaca, MORNING)
    assert (row().error, row().calendar_at) == ("", MORNING)
    other = alpaca.server.open_account(key="PKDATA")
    settings.ALPACA_DATA_KEY_ID, settings.ALPACA_DATA_SECRET = other.key, other.secret
    look(alpaca, MORNING + DAY)
    assert {request.key for _, request, _ in alpaca.server.requests[-2:]} == {"PKDATA"}


def test_without_keys_nobody_is_asked_and_the_desk_is_well(db: None) -> None:
    assert compare(at(MORNING))
    assert row().error
    assert judge_calendar(row(), [], MORNING).state == judge_clock(row(), MORNING).state == State.OK


def test_the_replay_asks_nobody(alpaca: StandIn, settings: Settings) -> None:
    settings.TRADES_AT_BROKERS = False
    assert not compare(at(MORNING))
    assert alpaca.asked() == []


# --- The health --------------------------------------------------------------------------------------------------


def compared(**fields: Any) -> TimeComparison:
    return TimeComparison(**({"clock_at": MORNING, "calendar_at": MORNING} | fields))


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, State.OK),
        ({"ahead": LARGEST}, State.OK),
        ({"ahead": LARGEST + 0.1}, State.WARNING),
        ({"ahead": -LARGEST - 0.1}, State.WARNING),
        ({"ahead": 60.0, "clock_at": MORNING - OLD_CLOCK - SECOND}, State.NOTE),
        ({"ahead": 60.0, "clock_at": MORNING + OLD_CLOCK + SECOND}, State.NOTE),
        ({"clock_at": None}, State.OK),
    ],
)
def test_the_health_of_the_clock(fields: dict[str, Any], state: State) -> None:
    assert judge_clock(compared(**fields), MORNING).state == state


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, State.OK),
        ({"doubt": "It has no session."}, State.WARNING),
        ({"calendar_at": MORNING - OLD_CALENDAR - SECOND}, State.NOTE),
        ({"calendar_at": None}, State.OK),
    ],
)
def test_the_health_of_the_calendar(fields: dict[str, Any], state: State) -> None:
    assert judge_calendar(compared(**fields), [], MORNING).state == state


def test_the_health_names_some_days_and_counts_the_others() -> None:
    days = [MarketDay(day=MORNING.date() + n * DAY) for n in range(MOST + 2)]
    assert "closed and 2 more" in judge_calendar(compared(), days, MORNING).text
