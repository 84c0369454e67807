"""A running backtest, from the claim to its end, on the sample bars and PostgreSQL."""

from datetime import date, datetime
from itertools import count
from threading import Event
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from backtests.models import Backtest
from backtests.services import cancel_backtest, lease, run_backtest
from strategies.kinds.sma_crossover import SmaCrossover
from tests.backtests.runs import NOW, Clock, Make, at_each_reading, stored_rows
from tradedesk.accounts.models import User, UserVersion
from tradedesk.core.bars import Bars
from tradedesk.core.signals import Signals

Status = Backtest.Status


def test_a_completed_backtest_has_its_times(completed: Backtest) -> None:
    assert (completed.status, completed.progress, completed.stage, completed.error) == ("completed", 100, "", "")
    assert completed.attempts == 1
    assert completed.started_at
    assert completed.finished_at
    assert NOW < completed.started_at < completed.finished_at == completed.heartbeat_at


def test_stage_and_progress_are_stored_while_it_runs(make: Make, clock: Clock, alice: User) -> None:
    backtest = make()
    seen: list[tuple[str, str, int]] = []
    versions: list[int] = []

    def record() -> None:
        seen.append(Backtest.objects.values_list("status", "stage", "progress").get(pk=backtest.pk))
        versions.append(UserVersion.objects.get(user=alice).number)

    run_backtest(backtest.pk, at_each_reading(clock, *[record] * 7))
    assert seen == [
        ("queued", "", 0),
        ("running", "", 0),
        ("running", "Loading bars", 10),
        ("running", "Computing signals", 30),
        ("running", "Simulating trades", 60),
        ("running", "Simulating doubled costs", 75),
        ("running", "Saving the result", 90),
    ]
    assert versions[1:] == sorted(set(versions[1:]))
    assert UserVersion.objects.get(user=alice).number > versions[-1]


def test_a_long_stage_sends_heartbeats(make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    backtest, enough, beats = make(), Event(), count(1)
    signals = SmaCrossover.signals

    def slow(kind: SmaCrossover, bars: Bars) -> Signals:
        assert enough.wait(60)
        return signals(kind, bars)

    def read() -> datetime:
        # The claim, two stages, and then three heartbeats of the second one.
        if next(beats) == 6:
            enough.set()
        return clock()

    monkeypatch.setattr(SmaCrossover, "signals", slow)
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.001)
    run_backtest(backtest.pk, read)
    backtest.refresh_from_db()
    assert backtest.status == Status.COMPLETED
    # The clock moves one second at each reading: seven readings without a heartbeat, and at least three
    # heartbeats.
    assert backtest.finished_at
    assert (backtest.finished_at - NOW).total_seconds() >= 10


def test_a_backtest_that_is_cancelled_in_a_long_stage_stops_after_it(
    make: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    backtest, cancelled = make(), Event()

    def slow(kind: SmaCrossover, bars: Bars) -> Signals:
        assert cancelled.wait(60)
        raise AssertionError("the result of a cancelled stage is not used")

    def cancel() -> None:
        cancel_backtest(backtest, NOW)
        cancelled.set()

    monkeypatch.setattr(SmaCrossover, "signals", slow)
    monkeypatch.setattr(lease, "HEARTBEAT_SECONDS", 0.001)
    run_backtest(backtest.pk, at_each_reading(clock, None, None, None, cancel))
    backtest.refresh_from_db()
    assert (backtest.status, backtest.error, stored_rows()) == (Status.CANCELLED, "", (0, 0))


def test_the_number_of_queries_does_not_grow_with_the_trades(
    make: Make, clock: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    few, many = make(end_date=date(2006, 1, 3)), make()
    with connection.execute_wrapper(counting := Counting()):
        run_backtest(few.pk, clock)
    with django_assert_num_queries(counting.queries):
        run_backtest(many.pk, clock)
    assert many.trades.count() > few.trades.count() + 10


class Counting:
    queries = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.queries += 1
        return execute(sql, params, many, context)
