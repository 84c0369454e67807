"""Attempts: one worker at a time, and nothing by halves, whatever stops it."""

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
from tests.backtests.runs import NOW, Clock, Make, at_each_reading, left_behind, simulated
from tradedesk.marketdata.library import load_many
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
    assert left_behind() == (0, 0)


def test_a_backtest_that_does_not_exist_is_no_error(db: None, clock: Clock) -> None:
    run_backtest(404, clock)


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_runs_it(make: Make) -> None:
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


# --- A killed worker -----------------------------------------------------------------------------------------


def test_what_a_killed_worker_left_is_run_by_another(make: Make, clock: Clock) -> None:
    backtest = make()
    killed = BacktestLease.claim(backtest.pk, lambda: NOW)
    assert killed
    killed.report("Computing signals", 30)
    # Its message is gone with it; the sweep finds the row a minute later.
    assert recover_backtests(NOW + timedelta(seconds=61)) == [backtest.pk]
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.attempts) == (Status.COMPLETED, 2)
    assert completed_once(backtest)


def test_a_worker_that_was_only_slow_writes_nothing_any_more(make: Make, clock: Clock) -> None:
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
    return left_behind() == (len(result.trades) + len(result.open_positions), 1)


@pytest.mark.parametrize("write", ["report", "fail", "complete"])
def test_an_attempt_that_lost_its_row_can_write_nothing(make: Make, write: str) -> None:
    backtest = make()
    attempt = BacktestLease.claim(backtest.pk, lambda: NOW)
    assert attempt
    recover_backtests(NOW + timedelta(seconds=61))
    assert BacktestLease.claim(backtest.pk, lambda: NOW)
    writes: dict[str, Callable[[], None]] = {
        "report": lambda: attempt.report("Saving the result", 90),
        "fail": lambda: attempt.fail("No reason."),
        "complete": lambda: attempt.complete([], BacktestCurve(backtest=backtest), metrics={"num_trades": 1}),
    }
    with pytest.raises(LeaseLost):
        writes[write]()
    backtest.refresh_from_db()
    assert (backtest.status, backtest.stage, backtest.error, backtest.metrics) == (Status.RUNNING, "", "", {})
    assert left_behind() == (0, 0)


# --- Cancelling ----------------------------------------------------------------------------------------------


def test_cancelled_before_the_start_it_never_runs(make: Make, clock: Clock) -> None:
    backtest = make()
    cancel_backtest(backtest, NOW)
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.started_at, left_behind()) == (Status.CANCELLED, None, (0, 0))


@pytest.mark.parametrize("stage", range(1, 6))
def test_cancelled_while_it_runs_it_stops_before_its_next_write(
    make: Make, clock: Clock, stage: int, caplog: pytest.LogCaptureFixture
) -> None:
    backtest = make()
    nothing: list[Callable[[], Any] | None] = [None] * stage
    run_backtest(backtest.pk, at_each_reading(clock, *nothing, lambda: cancel_backtest(backtest, NOW)))
    backtest.refresh_from_db()
    assert (backtest.status, backtest.error, backtest.metrics) == (Status.CANCELLED, "", {})
    assert left_behind() == (0, 0)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_cancelled_after_the_end_it_keeps_its_result(completed: Backtest) -> None:
    before = left_behind()
    assert not cancel_backtest(completed, NOW)
    completed.refresh_from_db()
    assert (completed.status, left_behind()) == (Status.COMPLETED, before)


# --- Failing -------------------------------------------------------------------------------------------------


def failed(backtest: Backtest, clock: Clock) -> str:
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.stage, backtest.metrics) == (Status.FAILED, "", {})
    assert backtest.finished_at
    assert left_behind() == (0, 0)
    return backtest.error


def test_bars_that_were_deleted_meanwhile_are_named(make: Make, clock: Clock) -> None:
    backtest = make()
    BarSeries.objects.filter(symbol="MSFT").delete()
    assert failed(backtest, clock).startswith("No 1Day bars for MSFT. Import them: manage.py import_bars")


def test_a_period_without_bars_says_so(make: Make, clock: Clock) -> None:
    # A Saturday and a Sunday.
    backtest = make(start_date=date(2012, 3, 3), end_date=date(2012, 3, 4))
    assert failed(backtest, clock) == "There are no bars from 2012-03-03 to 2012-03-04. Choose a longer period."


def test_a_kind_that_is_gone_is_named(make: Make, clock: Clock) -> None:
    backtest = make()
    Backtest.objects.update(kind="gone")
    assert failed(backtest, clock) == "There is no strategy kind “gone”."


def test_bars_that_change_while_they_are_read_are_not_mixed(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_and_import(symbols: list[str], timeframe: str) -> Any:
        bars = load_many(symbols, timeframe)
        BarSeries.objects.filter(symbol="AAPL").update(fingerprint="f" * 64)
        return bars

    monkeypatch.setattr("backtests.services.bars.load_many", load_and_import)
    assert failed(make(), clock) == "New bars of AAPL arrived meanwhile. Run the backtest again."


def test_an_error_of_ours_is_a_sentence_for_the_user_and_a_traceback_for_the_log(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(SmaCrossover, "signals", lambda *_: 1 / 0)
    with caplog.at_level(logging.ERROR):
        error = failed(make(), clock)
    assert error.startswith("The desk made an error (ZeroDivisionError: division by zero). Run the backtest again")
    assert "Traceback" in caplog.text


def test_a_result_that_cannot_be_stored_leaves_no_half_of_it(make: Make, clock: Clock) -> None:
    backtest = make()
    in_the_way = BacktestCurve.objects.create(backtest=backtest)
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    in_the_way.delete()
    assert (backtest.status, backtest.metrics) == (Status.FAILED, {})
    assert "IntegrityError" in backtest.error
    assert left_behind() == (0, 0)


def test_a_deleted_strategy_does_not_disturb_a_run(make: Make, clock: Clock, strategy: Strategy) -> None:
    backtest = make()
    strategy.delete()
    run_backtest(backtest.pk, clock)
    backtest.refresh_from_db()
    assert (backtest.status, backtest.strategy) == (Status.COMPLETED, None)
