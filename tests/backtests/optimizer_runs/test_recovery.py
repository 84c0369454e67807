"""Recovery after dead workers and lost messages."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from backtests import tasks
from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.optimizer import recover_runs, run_chunk
from backtests.services.optimizer import work as chunk_work
from backtests.services.optimizer.finish import MERGING
from backtests.services.optimizer.recovery import TOO_MANY_ATTEMPTS
from tests.backtests.optimizer_runs.conftest import Enqueued
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun

Status = OptimizerRun.Status


def running(search: MakeRun, attempts: int = 1) -> OptimizerRun:
    run = search()
    OptimizerRun.objects.update(status=Status.RUNNING, started_at=NOW)
    OptimizerChunk.objects.filter(number=0).update(status="running", attempts=attempts, heartbeat_at=NOW)
    return run


def at(moment: datetime) -> Clock:
    return lambda: moment


def after(seconds: int) -> Callable[[], None]:
    return lambda: recover_runs(NOW + timedelta(seconds=seconds))


def test_a_chunk_without_heartbeats_is_enqueued_again(search: MakeRun, enqueued: Enqueued) -> None:
    run = running(search)
    assert enqueued(after(60)) == []
    assert enqueued(after(61)) == [0]
    chunk = run.chunks.get()
    assert (chunk.status, chunk.attempts) == ("queued", 1)


def test_after_three_attempts_the_run_fails_with_a_reason(search: MakeRun, enqueued: Enqueued) -> None:
    run = running(search, attempts=3)
    assert enqueued(after(61)) == []
    run.refresh_from_db()
    assert (run.status, run.finished_at) == (Status.FAILED, NOW + timedelta(seconds=61))
    assert run.error == TOO_MANY_ATTEMPTS


def test_a_chunk_that_kills_every_worker_is_not_retried_forever(
    search: MakeRun, enqueued: Enqueued, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, moment = search(), NOW

    class Killed(BaseException):
        pass

    def dies(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(chunk_work, "scenario_of", dies)
    messages = [0]
    while messages:
        with pytest.raises(Killed):
            run_chunk(run.pk, messages.pop(), at(moment))
        moment += timedelta(seconds=61)
        messages = enqueued(partial(recover_runs, moment))
    run.refresh_from_db()
    assert (run.status, run.chunks.get().attempts) == (Status.FAILED, 3)


@pytest.mark.parametrize("status", [Status.PAUSED, *OptimizerRun.FINISHED])
def test_a_run_that_is_not_active_is_not_changed(search: MakeRun, enqueued: Enqueued, status: Status) -> None:
    run = running(search)
    OptimizerRun.objects.update(status=status)
    assert enqueued(after(86_400)) == []
    run.refresh_from_db()
    assert (run.status, run.chunks.get().status) == (status, "running")


def test_a_chunk_that_completes_during_recovery_stays_done(search: MakeRun, enqueued: Enqueued) -> None:
    run = running(search)

    def done_in_between(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith("SELECT") and "backtests_optimizerchunk" in sql and context["cursor"].rowcount:
            context["cursor"].connection.cursor().execute("UPDATE backtests_optimizerchunk SET status = 'done'")
        return result

    with connection.execute_wrapper(done_in_between):
        assert enqueued(after(61)) == [0]  # the run is stalled: this message finishes it
    assert run.chunks.get().status == "done"


def test_a_merge_whose_worker_died_starts_again(search: MakeRun, enqueued: Enqueued, clock: Clock) -> None:
    run = search()
    run_chunk(run.pk, 0, clock)  # completes the run
    assert enqueued(after(3_600)) == []
    run = search()
    run.chunks.update(status="done")
    OptimizerRun.objects.filter(pk=run.pk).update(status=Status.RUNNING, stage=MERGING)
    assert enqueued(after(30)) == []
    assert enqueued(after(31)) == [0]
    run.refresh_from_db()
    assert run.stage == ""


def test_a_run_without_enqueued_chunks_is_restarted(search: MakeRun, enqueued: Enqueued) -> None:
    run = search()
    run.chunks.update(heartbeat_at=None)
    assert enqueued(after(31)) == [0]


def test_recovery_of_nothing_costs_three_queries(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):
        recover_runs(NOW)


def test_the_task_recovers_at_wall_time(search: MakeRun, enqueued: Enqueued) -> None:
    search()
    assert enqueued(tasks.recover_optimizer_runs) == [0]
