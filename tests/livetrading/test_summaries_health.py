"""The health of trading: late checks, stuck orders, accounts and strategies that fail again and again."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pytest_django import DjangoAssertNumQueries

from livetrading.models import BrokerAccount, LiveStrategy, OrderState
from livetrading.summaries.health import PARTS, trading_findings
from tests.livetrading.factories import (
    NOW,
    TODAY,
    WALL,
    account_of,
    at_day,
    make_incident,
    make_live_strategy,
    make_order,
    make_paper_trade,
)
from tradedesk.accounts.models import User
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.sessions import previous_close, session_close, session_open
from tradedesk.monitoring.findings import Finding, State

Status = LiveStrategy.Status
YESTERDAY = previous_close(NOW - timedelta(seconds=1))


@pytest.fixture(autouse=True)
def _market(db: None) -> None:
    at_day(TODAY)


def make_checked(user: User, **fields: Any) -> LiveStrategy:
    """A live strategy whose next check is tomorrow."""
    return make_live_strategy(user=user, **({"next_check_at": NOW + timedelta(days=1)} | fields))


def ill() -> set[str]:
    return {part for part, finding in trading_findings(WALL).items() if finding.state >= State.WARNING}


def found(part: str) -> Finding:
    return trading_findings(WALL)[part]


def test_a_desk_that_trades_is_ok(alice: User, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    make_checked(alice)
    with django_assert_max_num_queries(12):
        assert {part: finding.state for part, finding in trading_findings(WALL).items()} == dict.fromkeys(
            PARTS, State.OK
        )


def test_the_number_of_queries_does_not_depend_on_the_desk(
    alice: User, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def trouble(user: User) -> None:
        make_checked(user, failures=3)
        make_live_strategy(user=user, next_check_at=NOW - timedelta(days=4))
        make_order(user=user, state_changed_at=WALL - timedelta(hours=1))
        BrokerAccount.objects.update(failures=3)

    def queries() -> int:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as captured:
            assert ill() == set(PARTS)
        return len(captured)

    trouble(alice)
    few = queries()
    for user in (alice, bob, bob, alice):
        trouble(user)
    assert queries() == few <= 14


# --- Strategies and accounts that fail -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "fails"),
    [
        ({"failures": 2}, False),
        ({"failures": 3}, True),
        ({"failures": 40}, True),
        ({"failures": 3, "status": Status.PAUSED}, True),
        ({"status": Status.ERROR}, True),
        ({"failures": 3, "status": Status.STOPPED}, False),
    ],
)
def test_strategies_whose_checks_fail(alice: User, fields: dict[str, Any], fails: bool) -> None:
    make_checked(alice)
    make_checked(alice, **fields)
    assert ("failures" in ill()) == fails


def test_the_trouble_of_one_user_does_not_turn_the_desk_down(alice: User) -> None:
    make_checked(alice, failures=3)
    make_checked(alice, status=Status.ERROR)
    BrokerAccount.objects.update(failures=3)
    found = trading_findings(WALL)
    assert {part: finding.state for part, finding in found.items()} == {
        "checks": State.OK,
        "orders": State.OK,
        "accounts": State.WARNING,
        "failures": State.WARNING,
    }


def test_what_the_desk_does_not_do_turns_it_down(alice: User) -> None:
    make_live_strategy(user=alice, next_check_at=NOW - timedelta(days=4))
    make_order(user=alice, state=OrderState.ACCEPTED)
    make_order(user=alice, state_changed_at=WALL - timedelta(hours=1))
    BrokerAccount.objects.update(reconciled_at=NOW - timedelta(days=4))
    found = trading_findings(WALL)
    assert {part for part, finding in found.items() if finding.state == State.ERROR} == set(PARTS) - {"failures"}


def test_failing_strategies_are_counted(alice: User, bob: User) -> None:
    for user in (alice, alice, bob):
        make_checked(user, failures=3)
    assert found("failures").text.startswith("3 live strategies failed")


@pytest.mark.parametrize(("failures", "fails"), [(2, False), (3, True)])
def test_accounts_that_cannot_be_reconciled(alice: User, failures: int, fails: bool) -> None:
    BrokerAccount.objects.filter(pk=account_of(alice).pk).update(failures=failures, state_reason="No answer.")
    assert ("accounts" in ill()) == fails
    assert any("No answer." in line for line in found("accounts").lines)


def test_the_last_reconcile_of_each_account_is_shown_the_worst_first(alice: User, bob: User) -> None:
    for user, reconciled_at in ((alice, YESTERDAY), (bob, NOW)):
        BrokerAccount.objects.filter(pk=account_of(user).pk).update(reconciled_at=reconciled_at)
    hers, his = account_of(alice), account_of(bob)
    assert found("accounts").state == State.OK
    assert [line.partition(":")[0] for line in found("accounts").lines] == [
        f"Account {account.pk} ({account.name})" for account in (hers, his)
    ]
    BrokerAccount.objects.filter(pk=his.pk).update(failures=3)
    assert found("accounts").lines[0].startswith(f"Account {his.pk} ")


def test_no_sentence_names_a_user(alice: User) -> None:
    make_checked(alice, failures=3)
    BrokerAccount.objects.update(failures=3)
    assert all(alice.email not in finding.text for finding in trading_findings(WALL).values())


@pytest.mark.parametrize(
    ("reconciled_at", "late"),
    [(NOW, False), (YESTERDAY, False), (YESTERDAY - timedelta(days=1), True), (None, False)],
)
def test_on_the_replay_an_account_is_late_that_missed_a_session(
    alice: User, reconciled_at: datetime | None, late: bool
) -> None:
    make_order(user=alice, state=OrderState.ACCEPTED)
    BrokerAccount.objects.update(reconciled_at=reconciled_at)
    assert ("accounts" in ill()) == late


@pytest.mark.parametrize(("seconds", "late"), [(59, False), (61, True)])
def test_on_the_real_market_an_account_is_late_after_a_minute(
    alice: User, seconds: int, late: bool, settings: Any
) -> None:
    settings.MARKET = "real"
    now = session_close(date(2026, 3, 2)) - timedelta(minutes=10)
    make_paper_trade(user=alice)
    make_order(user=alice, state=OrderState.ACCEPTED)
    BrokerAccount.objects.update(reconciled_at=now - timedelta(seconds=seconds))
    with time_machine.travel(now, tick=False):
        assert ("accounts" in ill()) == late


def test_an_account_with_nothing_at_the_broker_is_not_late(alice: User) -> None:
    make_order(user=alice, state=OrderState.FILLED)
    BrokerAccount.objects.update(reconciled_at=NOW - timedelta(days=30))
    assert "accounts" not in ill()


# --- Orders ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", list(OrderState))
def test_an_order_on_the_way_for_a_minute_is_stuck(alice: User, state: OrderState) -> None:
    make_order(user=alice, state=state, state_changed_at=WALL - timedelta(seconds=61))
    stuck = state in (OrderState.PENDING, OrderState.SUBMITTING, OrderState.UNKNOWN)
    assert ("orders" in ill()) == stuck


@pytest.mark.parametrize(("seconds", "stuck"), [(59, False), (61, True), (-4, False), (-6, True)])
def test_an_order_from_the_future_is_stuck_too(alice: User, seconds: int, stuck: bool) -> None:
    """Its timers stand still until the clock has caught up."""
    make_order(user=alice, state_changed_at=WALL - timedelta(seconds=seconds))
    assert ("orders" in ill()) == stuck
    assert ("clock went back" in found("orders").text) == (seconds < -5)


def test_an_order_that_cannot_be_sent_again_and_again(alice: User) -> None:
    make_incident(account=account_of(alice), kind="unsent_order")
    assert "1 order could not be sent" in found("orders").text


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
    assert ("checks" in ill()) == overdue


def test_paused_strategies_and_a_replay_that_has_ended_have_no_overdue_checks(alice: User) -> None:
    make_live_strategy(user=alice, next_check_at=NOW - timedelta(days=9), status=Status.STOPPED)
    assert "checks" not in ill()
    make_live_strategy(user=alice, next_check_at=NOW - timedelta(days=9))
    assert "checks" in ill()
    ReplayMarket.objects.update(ended=True)
    assert "checks" not in ill()


@pytest.mark.parametrize(("interval", "late"), [(60, 299), (60, 301), (3600, 301), (3600, 4.9 * 3600)])
def test_on_the_real_market_a_check_is_overdue_after_five_intervals(
    alice: User, interval: int, late: float, settings: Any
) -> None:
    settings.MARKET = "real"
    now = session_close(date(2026, 3, 2)) - timedelta(minutes=10)
    make_live_strategy(user=alice, check_interval=interval, next_check_at=now - timedelta(seconds=late))
    with time_machine.travel(now, tick=False):
        assert ("checks" in ill()) == (late > 5 * interval)


def test_a_check_that_was_due_at_the_close_is_overdue_in_the_evening(alice: User, settings: Any) -> None:
    """Its orders are for the next open, so it must not wait until then."""
    settings.MARKET = "real"
    close = session_close(date(2026, 3, 2))
    make_live_strategy(user=alice, check_interval=60, next_check_at=close)
    with time_machine.travel(close + timedelta(minutes=4), tick=False):
        assert "checks" not in ill()
        assert found("checks").text == "The oldest was due 4 min ago."
    with time_machine.travel(close + timedelta(minutes=6), tick=False):
        assert "checks" in ill()
