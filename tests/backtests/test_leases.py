"""Leases: one worker at a time, and no partial results, whatever stops it."""

import logging
from collections.abc import Callable
from datetime import date, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection

from backtests.models import Backtest, BacktestCurve
from backtests.services import cancel_backtest, recover_backtests, run_backtest
from backtests.services.lease import BacktestLease, LeaseLost
from strategies.kinds.sma_crossover import SmaCrossover
from strategies.models import Strategy
from tests.backtests.runs import NOW, Clock, Make, at_each_reading, simulated, stored_rows
from tests.backtests.trials import random_trials
from tradedesk.marketdata.models import BarSeries

Status = Backtest.Status


# --- Claims --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.RUNNING, *Backtest.FINISHED])
def test_only_a_queued_backtest_is_run(make: Make, clock: Clock, status: Status) -> None:
    backtest = make()
    Backtest.objects.update(status=status)
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.attempts) == (status, 0)
    assert stored_rows() == (0, 0)


def test_a_backtest_that_does_not_exist_is_no_error(db: None, clock: Clock) -> None:
    run_backtest(404, clock)


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_workers_claims_it(make: Make) -> None:
    backtest = make()
    together = Barrier(4)
    claims: list[BacktestLease | None] = []

    def work() -> None:
        together.wait()
        claims.append(BacktestLease.claim(backtest.pk, lambda: NOW))
        connection.close()

    workers = [Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(claim is None for claim in claims) == [False, True, True, True]
    backtest.refresh_from_db()
    assert backtest.attempts == 1


# --- Killed workers -----------------------------------------------------------------------------------------


def test_another_worker_runs_the_backtest_of_a_killed_one(make: Make, clock: Clock) -> None:
    backtest = make()
    killed = BacktestLease.claim(backtest.pk, lambda: NOW)
    assert killed
    killed.report("Computing signals", 30)
    # Its message is lost too; recovery finds the row a minute later.
    assert recover_backtests(NOW + timedelta(seconds=61)) == [backtest.pk]
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.attempts) == (Status.COMPLETED, 2)
    assert completed_once(backtest)


def test_a_slow_worker_that_lost_its_lease_writes_nothing(make: Make, clock: Clock) -> None:
    backtest = make()

    def taken_over() -> None:
        assert recover_backtests(NOW + timedelta(days=1)) == [backtest.pk]
        run_backtest(backtest.pk, clock)

    run_backtest(backtest.pk, at_each_reading(clock, None, None, None, None, None, taken_over))
    backtest.refresh_from_db()
    assert (backtest.status, backtest.attempts) == (Status.COMPLETED, 2)
    assert completed_once(backtest)


def completed_once(backtest: Backtest) -> bool:
    result = simulated(backtest).result
    return stored_rows() == (len(result.trades) + len(result.open_positions), 1)


@pytest.mark.parametrize("write", ["report", "fail", "complete"])
def test_a_lost_lease_refuses_every_write(make: Make, write: str) -> None:
    backtest = make()
    lease = BacktestLease.claim(backtest.pk, lambda: NOW)
    assert lease
    recover_backtests(NOW + timedelta(seconds=61))
    assert BacktestLease.claim(backtest.pk, lambda: NOW)
    writes: dict[str, Callable[[], None]] = {
        "report": lambda: lease.report("Saving the result", 90),
        "fail": lambda: lease.fail("No reason."),
        "complete": lambda: lease.complete(
            [], BacktestCurve(backtest=backtest), random_trials(1), metrics={"trades": 1}
        ),
    }
    with pytest.raises(LeaseLost):
        writes[write]()
    backtest.refresh_from_db()
    assert (backtest.status, backtest.stage, backtest.error, backtest.metrics) == (Status.RUNNING, "", "", {})
    assert stored_rows() == (0, 0)


# --- Cancelling ----------------------------------------------------------------------------------------------


def test_a_queued_backtest_that_is_cancelled_never_runs(make: Make, clock: Clock) -> None:
    backtest = make()
    cancel_backtest(backtest, NOW)
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.started_at, stored_rows()) == (Status.CANCELLED, None, (0, 0))


@pytest.mark.parametrize("stage", range(1, 6))
def test_a_running_backtest_that_is_cancelled_writes_nothing_more(
    make: Make, clock: Clock, stage: int, caplog: pytest.LogCaptureFixture
) -> None:
    backtest = make()
    nothing: list[Callable[[], Any] | None] = [None] * stage
    run_backtest(backtest.pk, at_each_reading(clock, *nothing, lambda: cancel_backtest(backtest, NOW)))
    backtest.refresh_from_db()
    assert (backtest.status, backtest.error, backtest.metrics) == (Status.CANCELLED, "", {})
    assert stored_rows() == (0, 0)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_completed_backtest_cannot_be_cancelled(completed: Backtest) -> None:
    before = stored_rows()
    assert not cancel_backtest(completed, NOW)
    completed.refresh_from_db()
    assert (completed.status, stored_rows()) == (Status.COMPLETED, before)


# --- Failing -------------------------------------------------------------------------------------------------


def failed(backtest: Backtest, clock: Clock) -> str:
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.stage, backtest.metrics) == (Status.FAILED, "", {})
    assert backtest.finished_at
    assert stored_rows() == (0, 0)
    return backtest.error


def test_missing_bars_fail_it_and_are_named(make: Make, clock: Clock) -> None:
    backtest = make()
    BarSeries.objects.filter(symbol="MSFT").delete()
    assert "MSFT" in failed(backtest, clock)


def test_a_period_without_bars_fails_it(make: Make, clock: Clock) -> None:
    backtest = make()
    # A Saturday and a Sunday, as if the bars had been deleted since.
    Backtest.objects.update(start_date=date(2012, 3, 3), end_date=date(2012, 3, 4))
    assert "2012-03-03 to 2012-03-04" in failed(backtest, clock)


def test_a_kind_that_is_not_installed_fails_it_and_is_named(make: Make, clock: Clock) -> None:
    backtest = make()
    Backtest.objects.update(kind="missing")
    assert "“missing”" in failed(backtest, clock)


def test_an_internal_error_is_stored_as_a_message_and_logged_with_its_traceback(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(SmaCrossover, "signals", lambda *_: 1 / 0)
    with caplog.at_level(logging.ERROR):
        error = failed(make(), clock)
    assert error.startswith("Internal error (ZeroDivisionError: division by zero). Try again.")
    assert "Traceback" in caplog.text


def test_a_result_that_cannot_be_stored_leaves_no_rows(make: Make, clock: Clock) -> None:
    backtest = make()
    conflicting = BacktestCurve.objects.create(backtest=backtest)
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    conflicting.delete()
    assert (backtest.status, backtest.metrics) == (Status.FAILED, {})
    assert "IntegrityError" in backtest.error
    assert stored_rows() == (0, 0)


def test_a_backtest_runs_after_its_strategy_is_deleted(make: Make, clock: Clock, strategy: Strategy) -> None:
    backtest = make()
    strategy.delete()
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.strategy) == (Status.COMPLETED, None)
