"""Cancelling and recovering backtests."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from backtests.models import Backtest
from backtests.services import cancel_backtest, recover_backtests
from backtests.services.recovery import TOO_MANY_ATTEMPTS
from tests.backtests.runs import NOW, Make
from tradedesk.accounts.models import User, UserVersion

Status = Backtest.Status


def version_of(user: User) -> int:
    return UserVersion.objects.values_list("number", flat=True).get(user=user)


# --- Cancelling ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING])
def test_an_unfinished_backtest_is_cancelled(make: Make, alice: User, status: Status) -> None:
    backtest = make()
    Backtest.objects.update(status=status)
    before = version_of(alice)
    assert cancel_backtest(backtest, NOW + timedelta(minutes=1))
    backtest.refresh_from_db()
    assert (backtest.status, backtest.finished_at) == (Status.CANCELLED, NOW + timedelta(minutes=1))
    assert version_of(alice) > before


@pytest.mark.parametrize("status", Backtest.FINISHED)
def test_a_finished_backtest_is_not_cancelled(make: Make, alice: User, status: Status) -> None:
    backtest = make()
    Backtest.objects.update(status=status, finished_at=NOW)
    before = version_of(alice)
    assert not cancel_backtest(backtest, NOW + timedelta(minutes=1))
    backtest.refresh_from_db()
    assert (backtest.status, backtest.finished_at) == (status, NOW)
    assert version_of(alice) == before


# --- Recovery ------------------------------------------------------------------------------------------------


def running(make: Make, attempts: int) -> Backtest:
    backtest = make()
    Backtest.objects.filter(pk=backtest.pk).update(
        status=Status.RUNNING, attempts=attempts, progress=30, stage="Computing signals", heartbeat_at=NOW
    )
    return backtest


def test_a_backtest_without_heartbeats_is_queued_again(make: Make, alice: User) -> None:
    backtest = running(make, attempts=2)
    before = version_of(alice)
    assert recover_backtests(NOW + timedelta(seconds=61)) == [backtest.pk]
    backtest.refresh_from_db()
    assert (backtest.status, backtest.progress, backtest.stage) == (Status.QUEUED, 0, "")
    assert version_of(alice) > before


def test_a_backtest_with_a_heartbeat_within_a_minute_is_not_changed(make: Make) -> None:
    backtest = running(make, attempts=1)
    assert recover_backtests(NOW + timedelta(seconds=60)) == []
    backtest.refresh_from_db()
    assert backtest.status == Status.RUNNING


def test_after_three_attempts_it_fails_with_a_reason(make: Make) -> None:
    backtest = running(make, attempts=3)
    assert recover_backtests(NOW + timedelta(seconds=61)) == []
    backtest.refresh_from_db()
    assert (backtest.status, backtest.finished_at) == (Status.FAILED, NOW + timedelta(seconds=61))
    assert backtest.error == TOO_MANY_ATTEMPTS


def test_a_queued_backtest_is_enqueued_again_every_half_minute(make: Make) -> None:
    backtest = make()
    found = [recover_backtests(NOW + timedelta(seconds=second)) for second in (30, 31, 32, 61, 62)]
    assert found == [[], [backtest.pk], [], [], [backtest.pk]]


@pytest.mark.parametrize("status", Backtest.FINISHED)
def test_a_finished_backtest_is_never_recovered(make: Make, status: Status) -> None:
    make()
    Backtest.objects.update(status=status)
    assert recover_backtests(NOW + timedelta(days=1)) == []
    assert Backtest.objects.get().status == status


@pytest.mark.parametrize(("status", "seconds"), [(Status.QUEUED, 31), (Status.RUNNING, 61)])
def test_a_backtest_that_ends_during_recovery_stays_ended(make: Make, status: Status, seconds: int) -> None:
    make()
    Backtest.objects.update(status=status, attempts=1)

    def cancelled_in_between(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("SELECT") and context["cursor"].rowcount:
            # The cursor of the driver, because this wrapper must not wrap itself.
            context["cursor"].connection.cursor().execute("UPDATE backtests_backtest SET status = 'cancelled'")
        return result

    with connection.execute_wrapper(cancelled_in_between):
        assert recover_backtests(NOW + timedelta(seconds=seconds)) == []
    assert Backtest.objects.get().status == Status.CANCELLED


def test_recovery_of_nothing_costs_three_queries(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):
        assert recover_backtests(NOW) == []
