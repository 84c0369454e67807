"""Missed checks: found by open market, notified once, ended by the next check."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from livetrading.models import LiveStrategy
from livetrading.services.missed_checks import end_missed_checks, find_missed_checks, missed_before
from tests.livetrading.factories import NOW, TODAY, at_day, make_live_strategy
from tradedesk.accounts.models import User
from tradedesk.marketdata.clock import MarketStatus
from tradedesk.marketdata.sessions import closes_before, session_close, session_open
from tradedesk.notifications.models import Notification

REAL = MarketStatus("real", is_open=True)
REPLAY = MarketStatus("replay", is_open=True, session=TODAY)
MINUTE = timedelta(minutes=1)
Status = LiveStrategy.Status


def at(day: str, minutes_after_open: float) -> datetime:
    return session_open(date.fromisoformat(day)) + minutes_after_open * MINUTE


# --- Open market -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "interval", "latest"),
    [
        # In a session: three intervals back.
        (at("2026-03-04", 60), 300, at("2026-03-04", 45)),
        # The night, the weekend and the holiday do not count.
        (at("2026-03-04", 5), 300, session_close(date(2026, 3, 3)) - 10 * MINUTE),
        (at("2026-03-09", 5), 300, session_close(date(2026, 3, 6)) - 10 * MINUTE),
        (at("2026-07-06", 5), 300, session_close(date(2026, 7, 2)) - 10 * MINUTE),  # Independence Day on a Friday
        # On a Saturday the last session counts.
        (datetime.fromisoformat("2026-03-07T15:00Z"), 300, session_close(date(2026, 3, 6)) - 15 * MINUTE),
        # A half day: three hours and a half are less than three intervals of 72 minutes.
        (at("2026-11-30", 0), 4320, session_close(date(2026, 11, 25)) - 6 * MINUTE),
        # The clocks change on that Sunday, and back on this one.
        (at("2026-11-02", 5), 300, session_close(date(2026, 10, 30)) - 10 * MINUTE),
        (at("2026-03-09", 15), 300, at("2026-03-09", 0)),
    ],
)
def test_an_interval_is_an_interval_of_open_market(now: datetime, interval: int, latest: datetime) -> None:
    assert missed_before(now, interval, REAL) == latest


def test_on_the_replay_an_interval_is_a_session() -> None:
    for interval in (60, 3600):
        assert missed_before(NOW, interval, REPLAY) == closes_before(NOW, 3) == session_close(date(2010, 3, 3))


# --- Finding them ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "missed"),
    [
        ({"next_check_at": at("2026-03-04", 45)}, True),
        ({"next_check_at": at("2026-03-04", 46)}, False),
        ({"next_check_at": at("2026-03-04", 45), "check_interval": 600}, False),
        ({"next_check_at": at("2026-03-04", 30), "check_interval": 600}, True),
        ({"next_check_at": at("2026-03-04", 45), "status": Status.PAUSED}, True),
        ({"next_check_at": at("2026-03-04", 45), "status": Status.ERROR}, False),
        ({"next_check_at": at("2026-03-04", 45), "status": Status.STOPPED}, False),
        # A daily strategy that was checked at the last close waits for the next one.
        ({"next_check_at": session_close(date(2026, 3, 4))}, False),
        ({"next_check_at": session_close(date(2026, 3, 3))}, True),
    ],
)
def test_an_active_strategy_that_was_not_checked_for_three_intervals(
    alice: User, fields: dict[str, Any], missed: bool
) -> None:
    make_live_strategy(user=alice, **({"check_interval": 300} | fields))
    assert find_missed_checks(at("2026-03-04", 60), REAL) == missed


def test_one_episode_is_one_notification(alice: User) -> None:
    live = make_live_strategy(user=alice, next_check_at=at("2026-03-04", 10), check_interval=60)
    now = at("2026-03-04", 60)
    for minutes in range(5):
        find_missed_checks(now + minutes * MINUTE, REAL)
        end_missed_checks()
    told = Notification.objects.get()
    assert (told.user, told.event, told.url) == (alice, "missed_checks", f"/dashboard/live-trading/{live.pk}")
    live.refresh_from_db()
    assert live.missed_checks_at == now

    # The next check ends it, and the next silence is another episode.
    LiveStrategy.objects.update(last_check_at=now + 5 * MINUTE, next_check_at=now + 6 * MINUTE)
    end_missed_checks()
    live.refresh_from_db()
    assert live.missed_checks_at is None
    find_missed_checks(now + 30 * MINUTE, REAL)
    assert Notification.objects.count() == 2


@pytest.mark.parametrize("status", [Status.ERROR, Status.STOPPED])
def test_a_strategy_that_is_no_longer_active_misses_nothing(alice: User, status: str) -> None:
    make_live_strategy(user=alice, missed_checks_at=NOW, last_check_at=NOW - MINUTE, status=status)
    end_missed_checks()
    assert LiveStrategy.objects.get().missed_checks_at is None


def test_many_strategies_of_a_user_are_one_notification(alice: User, bob: User) -> None:
    counts = []
    for user, number in ((bob, 2), (alice, 12)):
        for minute in range(number):
            make_live_strategy(user=user, next_check_at=at("2026-03-04", minute), check_interval=60)
        with CaptureQueriesContext(connection) as captured:
            assert find_missed_checks(at("2026-03-04", 60), REAL) == number
        counts.append(len(captured))
    assert counts[0] == counts[1]
    assert Notification.objects.get(user=alice).text.startswith("12 strategies were not checked")
    assert Notification.objects.filter(user=bob).count() == 1


def test_without_missed_checks_it_costs_one_query_each(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_live_strategy(user=alice, next_check_at=at("2026-03-04", 59))
    with django_assert_num_queries(2):
        find_missed_checks(at("2026-03-04", 60), REAL)
        end_missed_checks()


def test_a_replay_that_has_ended_misses_nothing(alice: User) -> None:
    make_live_strategy(user=alice, next_check_at=NOW - timedelta(days=30))
    assert find_missed_checks(NOW, MarketStatus("replay", is_open=False, session=TODAY, ended=True)) == 0
    assert find_missed_checks(NOW, REPLAY) == 1


# --- The pages ---------------------------------------------------------------------------------------------


def test_the_pages_show_it_to_its_user_alone(
    alice: User, alices_browser: Client, bobs_browser: Client, charlies_browser: Client
) -> None:
    at_day(TODAY)
    live = make_live_strategy(user=alice, missed_checks_at=NOW)
    page = f"/dashboard/live-trading/{live.pk}"
    assert "Checks are missed." in alices_browser.get(page).content.decode()
    assert "Checks missed" in alices_browser.get("/dashboard/live-trading").content.decode()
    assert bobs_browser.get(page).status_code == 404
    assert "Checks missed" not in bobs_browser.get("/dashboard/live-trading").content.decode()
    assert charlies_browser.get(page).status_code == 302
    LiveStrategy.objects.update(missed_checks_at=None)
    assert "Checks are missed." not in alices_browser.get(page).content.decode()
