"""The Celery tasks of backtests."""

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic, sleep
from typing import Any

import pytest
from celery import current_app
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.utils import timezone

from backtests import tasks
from backtests.models import Backtest
from backtests.services.queue import BACKTEST_TASK
from tests.backtests.runs import NOW, Make, Published

Status = Backtest.Status


def test_the_task_names_match_those_of_the_services() -> None:
    assert tasks.run_backtest.name == BACKTEST_TASK
    assert current_app.tasks[BACKTEST_TASK]
    assert tasks.recover_backtests.name == "backtests.tasks.recover_backtests"


def test_it_runs_the_backtest_at_wall_time(make: Make) -> None:
    backtest = make()
    before = timezone.now()
    tasks.run_backtest(backtest.pk)
    backtest.refresh_from_db()
    assert backtest.status == Status.COMPLETED
    assert backtest.started_at
    assert backtest.finished_at
    assert before <= backtest.started_at <= backtest.finished_at <= timezone.now()


def test_recovery_enqueues_lost_backtests(make: Make, published: Published) -> None:
    lost, dead, fresh = make(), make(), make(wall_now=timezone.now())
    Backtest.objects.filter(pk=dead.pk).update(status=Status.RUNNING, attempts=1, heartbeat_at=NOW)
    tasks.recover_backtests()
    assert sorted(published) == [(BACKTEST_TASK, (lost.pk,)), (BACKTEST_TASK, (dead.pk,))]
    fresh.refresh_from_db()
    assert fresh.heartbeat_at > NOW + timedelta(days=1)


@pytest.fixture
def worker(transactional_db: None) -> Iterator[Any]:
    with start_worker(
        current_app, pool="threads", concurrency=2, perform_ping_check=False, queues=[settings.RESEARCH_QUEUE]
    ) as running:
        yield running


def test_a_worker_runs_what_was_created(make: Make, worker: Any) -> None:
    # Created outside of a transaction, so it is enqueued immediately.
    backtests = [make(), make(symbols=["IBM"])]
    until = monotonic() + 60
    while monotonic() < until and Backtest.objects.exclude(status__in=Backtest.FINISHED).exists():
        sleep(0.05)
    for backtest in backtests:
        backtest.refresh_from_db()
        assert (backtest.status, backtest.error, backtest.attempts) == (Status.COMPLETED, "", 1)
        assert backtest.trades.exists()
