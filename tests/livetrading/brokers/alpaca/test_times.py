"""Alpaca's clock and calendar."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from livetrading.brokers.alpaca.times import PlainTime, clock_of, days_of
from livetrading.brokers.protocol import BrokerDay, OutcomeUnknown, TellsTime
from tests.alpaca_server.server import AlpacaServer
from tests.livetrading.brokers.alpaca.stand_in import stand_in
from tradedesk.accounts.models import User
from tradedesk.marketdata.feeds.alpaca_client import AlpacaClient, DataKeys

NOW = datetime(2012, 7, 2, 15, tzinfo=UTC)
FIRST, LAST = date(2012, 7, 3), date(2012, 7, 6)
# The third closes at 13:00, the fourth is a holiday.
HOURS = {date(2012, 7, 3): (13, 30, 17), date(2012, 7, 5): (13, 30, 20), date(2012, 7, 6): (13, 30, 20)}
WEEK = [
    BrokerDay(
        day=day,
        opens=datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC),
        closes=datetime(day.year, day.month, day.day, close, tzinfo=UTC),
    )
    for day, (hour, minute, close) in HOURS.items()
]
ROW = {"date": "2012-07-05", "open": "09:30", "close": "16:00", "session_open": "0400"}


def test_a_clock_is_read_to_the_microsecond() -> None:
    row = {"timestamp": "2012-07-02T11:00:00.123456789-04:00", "is_open": True}
    assert clock_of(row).time == NOW + timedelta(microseconds=123_456)
    assert clock_of(row | {"is_open": False, "next_open": 1}).is_open is False


@pytest.mark.parametrize(
    "answer", [[], None, {}, {"timestamp": "soon", "is_open": True}, {"timestamp": "2012-07-02T11:00:00Z"}]
)
def test_a_clock_that_is_not_readable_is_unknown(answer: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        clock_of(answer)


def test_a_calendar_is_of_new_york_and_of_the_days_that_were_asked_for() -> None:
    winter = {**ROW, "date": "2012-11-23", "close": "13:00"}
    (found,) = days_of([ROW, winter], date(2012, 11, 1), date(2012, 11, 30))
    assert (found.opens, found.closes) == (
        datetime(2012, 11, 23, 14, 30, tzinfo=UTC),
        datetime(2012, 11, 23, 18, tzinfo=UTC),
    )
    assert days_of([], FIRST, LAST) == []


@pytest.mark.parametrize(
    "answer",
    [
        {},
        None,
        [{}],
        [{**ROW, "date": "5 July"}],
        [{**ROW, "close": None}],
        [{**ROW, "open": "16:00"}],
        [{**ROW, "open": "09:30Z"}],
        [ROW, ROW],
        [ROW, {**ROW, "date": "2012-07-03"}],
    ],
)
def test_a_calendar_of_which_a_part_is_not_readable_is_unknown(answer: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        days_of(answer, FIRST, LAST)


@pytest.mark.parametrize("plain", [False, True])
def test_both_are_asked_for(server: AlpacaServer, alice: User, settings: Any, *, plain: bool) -> None:
    alpaca = stand_in(server, alice, settings, NOW)
    keys = DataKeys(alpaca.books.key, alpaca.books.secret)
    source: TellsTime = PlainTime(AlpacaClient(server.url, keys)) if plain else alpaca.broker()
    assert isinstance(source, TellsTime)
    assert abs(source.clock().time - NOW) < timedelta(seconds=1)
    assert source.clock().is_open
    assert source.calendar(FIRST, LAST) == WEEK


def test_plain_keys_that_are_refused_are_unknown(server: AlpacaServer) -> None:
    source = PlainTime(AlpacaClient(server.url, DataKeys("PKWRONG", "wrong")))
    with pytest.raises(OutcomeUnknown):
        source.clock()
