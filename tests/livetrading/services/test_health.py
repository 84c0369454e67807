"""The health of trading: failing checks, failing accounts, and checks that nobody does."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from livetrading.models import BrokerAccount, LiveStrategy
from livetrading.services.health import trading_problem
from tests.livetrading.factories import NOW, TODAY, WALL, account_of, at_day, make_live_strategy
from tradedesk.accounts.models import User
from tradedesk.health import health
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.sessions import previous_close, session_close, session_open

Status = LiveStrategy.Status
YESTERDAY = previous_close(NOW - timedelta(seconds=1))


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    at_day(TODAY)


def make_checked(user: User, **fields: Any) -> LiveStrategy:
    """A live strategy whose next check is tomorrow."""
    return make_live_strategy(user=user, **({"next_check_at": NOW + timedelta(days=1)} | fields))


def test_a_desk_that_trades_has_no_problem(alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_checked(alice)
    with django_assert_num_queries(6):
        assert trading_problem() == ""
    assert health(WALL)["trading"] == "ok"


def test_the_number_of_queries_does_not_depend_on_the_desk(
    alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(4):
        make_checked(alice, failures=3)
        make_live_strategy(user=alice, next_check_at=NOW - timedelta(days=4))
    with django_assert_num_queries(6):
        assert trading_problem()


@pytest.mark.parametrize(
    ("fields", "fails"),
    [
        ({"failures": 2}, False),
        ({"failures": 3}, True),
        ({"failures": 40}, True),
        ({"failures": 3, "status": Status.PAUSED}, False),
        ({"failures": 3, "status": Status.STOPPED}, False),
    ],
)
def test_active_strategies_whose_checks_fail(alice: User, fields: dict[str, Any], fails: bool) -> None:
    make_checked(alice)
    make_checked(alice, **fields)
    assert ("1 active strategy failed" in trading_problem()) == fails


def test_failing_strategies_are_counted(alice: User, bob: User) -> None:
    for user in (alice, alice, bob):
        make_checked(user, failures=3)
    assert "3 active strategies failed" in trading_problem()


@pytest.mark.parametrize(("failures", "fails"), [(2, False), (3, True)])
def test_accounts_that_cannot_be_reconciled(alice: User, failures: int, fails: bool) -> None:
    BrokerAccount.objects.filter(pk=account_of(alice).pk).update(failures=failures)
    assert ("1 broker account could not be reconciled" in trading_problem()) == fails


def test_a_problem_with_trading_makes_the_desk_down(alice: User) -> None:
    make_checked(alice, failures=3)
    found = health(WALL)
    assert found["status"] == "down"
    assert found["trading"] == trading_problem() != "ok"


# --- Overdue checks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "overdue"),
    [
        (NOW, False),
        # Every check of a session is due when the replay moves to its close, whatever the time of the check.
        (session_open(TODAY), False),
        (YESTERDAY, True),
        (YESTERDAY + timedelta(seconds=1), False),
        (NOW - timedelta(days=30), True),
    ],
)
def test_on_the_replay_a_check_is_overdue_that_missed_a_session(alice: User, due: datetime, overdue: bool) -> None:
    make_live_strategy(user=alice, next_check_at=due)
    assert ("1 check " in trading_problem()) == overdue


def test_paused_strategies_and_a_replay_that_has_ended_have_no_overdue_checks(alice: User) -> None:
    make_live_strategy(user=alice, next_check_at=NOW - timedelta(days=9), status=Status.PAUSED)
    assert trading_problem() == ""
    make_live_strategy(user=alice, next_check_at=NOW - timedelta(days=9))
    assert trading_problem() != ""
    ReplayMarket.objects.update(ended=True)
    assert trading_problem() == ""


@pytest.mark.parametrize(("interval", "late"), [(60, 299), (60, 301), (3600, 301), (3600, 4.9 * 3600)])
def test_on_the_real_market_a_check_is_overdue_after_five_intervals(
    alice: User, interval: int, late: float, settings: Any
) -> None:
    settings.MARKET = "real"
    now = session_close(date(2026, 3, 2)) - timedelta(minutes=10)
    make_live_strategy(user=alice, check_interval=interval, next_check_at=now - timedelta(seconds=late))
    with time_machine.travel(now, tick=False):
        assert ("1 check " in trading_problem()) == (late > 5 * interval)


def test_a_check_that_was_due_at_the_close_is_overdue_in_the_evening(alice: User, settings: Any) -> None:
    """Its orders are for the next open, so it must not wait until then."""
    settings.MARKET = "real"
    close = session_close(date(2026, 3, 2))
    make_live_strategy(user=alice, check_interval=60, next_check_at=close)
    with time_machine.travel(close + timedelta(minutes=4), tick=False):
        assert trading_problem() == ""
    with time_machine.travel(close + timedelta(minutes=6), tick=False):
        assert trading_problem() != ""
