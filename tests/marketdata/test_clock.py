from datetime import UTC, date, datetime

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries, Settings

from tradedesk.marketdata.clock import MarketStatus, market_clock, market_status
from tradedesk.marketdata.models import ReplayMarket

WALL = datetime(2026, 1, 5, 15, tzinfo=UTC)  # a Monday, 10:00 in New York


def show(session: date, *, ended: bool = False) -> None:
    ReplayMarket.objects.create(session=session, advanced_at=WALL, ended=ended)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("session", "close"),
    [
        (date(2012, 3, 5), datetime(2012, 3, 5, 21, tzinfo=UTC)),
        (date(2012, 7, 2), datetime(2012, 7, 2, 20, tzinfo=UTC)),
        (date(2012, 11, 23), datetime(2012, 11, 23, 18, tzinfo=UTC)),  # a half day
    ],
)
def test_the_replay_time_is_the_close_of_its_session(session: date, close: datetime) -> None:
    show(session)
    clock = market_clock()
    assert clock.now() == close
    with time_machine.travel(WALL):
        assert clock.now() == close


@pytest.mark.django_db
def test_the_clock_follows_the_replay() -> None:
    show(date(2012, 3, 5))
    clock = market_clock()
    clock.now()
    ReplayMarket.objects.update(session=date(2012, 3, 6))
    assert clock.now() == datetime(2012, 3, 6, 21, tzinfo=UTC)


def test_the_time_of_the_real_market_is_the_wall_time(settings: Settings) -> None:
    settings.MARKET = "real"
    with time_machine.travel(WALL, tick=False):
        assert market_clock().now() == WALL


@pytest.mark.django_db
def test_the_status_of_the_replay_takes_one_query(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.REPLAY_SECONDS_PER_BAR = 2.0
    show(date(2012, 3, 5))
    with django_assert_num_queries(1):
        status = market_status()
    assert status == MarketStatus("replay", True, date(2012, 3, 5), 2.0, ended=False)
    assert str(status) == "Replay market · 2012-03-05 · 1 session = 2 s"


@pytest.mark.django_db
def test_the_status_says_what_the_replay_waits_for_and_what_it_left(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.REPLAY_SECONDS_PER_BAR = 2.0
    show(date(2012, 3, 5))
    ReplayMarket.objects.update(waiting_for="3 checks", moved_without="1 order")
    with django_assert_num_queries(1):
        status = market_status()
    assert (status.waiting_for, status.moved_without) == ("3 checks", "1 order")
    assert str(status) == "Replay market · 2012-03-05 · waiting for 3 checks · moved on without 1 order"


@pytest.mark.django_db
def test_a_replay_that_has_ended_is_closed() -> None:
    show(date(2013, 3, 1), ended=True)
    assert not market_status().is_open
    assert market_status().ended
    assert str(market_status()) == "Replay market · 2013-03-01 · ended"


@pytest.mark.parametrize(("hour", "is_open", "state"), [(15, True, "open"), (22, False, "closed")])
def test_the_status_of_the_real_market(settings: Settings, hour: int, is_open: bool, state: str) -> None:
    settings.MARKET = "real"
    with time_machine.travel(WALL.replace(hour=hour), tick=False):
        assert market_status() == MarketStatus("real", is_open)
        assert str(market_status()) == f"US market {state}"
