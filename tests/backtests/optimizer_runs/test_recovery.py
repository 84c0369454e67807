"""What dead workers and lost messages leave goes on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from backtests import tasks
from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.optimizer import recover_runs, run_chunk
from backtests.services.optimizer.finish import MERGING
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun

Sent = Callable[[Callable[[], Any]], list[int]]
Status = OptimizerRun.Status


def working(search: MakeRun, attempts: int = 1) -> OptimizerRun:
    run = search()
    OptimizerRun.objects.update(status=Status.RUNNING, started_at=NOW)
    OptimizerChunk.objects.filter(number=0).update(status="running", attempts=attempts, heartbeat_at=NOW)
    return run


def at(moment: datetime) -> Clock:
    return lambda: moment


def after(seconds: int) -> Callable[[], None]:
    return lambda: recover_runs(NOW + timedelta(seconds=seconds))


def test_a_chunk_of_a_silent_worker_is_sent_again(search: MakeRun, sent: Sent) -> None:
    run = working(search)
    assert sent(after(60)) == []
    assert sent(after(61)) == [0]
    chunk = run.chunks.get()
    assert (chunk.status, chunk.attempts) == ("queued", 1)


def test_after_three_attempts_the_run_fails_with_the_reason(search: MakeRun, sent: Sent) -> None:
    run = working(search, attempts=3)
    assert sent(after(61)) == []
    run.refresh_from_db()
    assert (run.status, run.finished_at) == (Status.FAILED, NOW + timedelta(seconds=61))
    assert run.error.startswith("The worker stopped 3 times at the same combinations.")


def test_a_worker_that_dies_each_time_is_given_up_and_not_tried_for_ever(
    search: MakeRun, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, moment = search(), NOW

    class Killed(BaseException):
        pass

    def dies(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr("backtests.services.optimizer.work.scenario_of", dies)
    messages = [0]
    while messages:
        with pytest.raises(Killed):
            run_chunk(run.pk, messages.pop(), at(moment))
        moment += timedelta(seconds=61)
        messages = sent(partial(recover_runs, moment))
    run.refresh_from_db()
    assert (run.status, run.chunks.get().attempts) == (Status.FAILED, 3)


@pytest.mark.parametrize("status", [Status.PAUSED, *OptimizerRun.FINISHED])
def test_a_run_that_does_not_go_on_is_left_alone(search: MakeRun, sent: Sent, status: Status) -> None:
    run = working(search)
    OptimizerRun.objects.update(status=status)
    assert sent(after(86_400)) == []
    run.refresh_from_db()
    assert (run.status, run.chunks.get().status) == (status, "running")


def test_a_chunk_that_is_done_meanwhile_stays_done(search: MakeRun, sent: Sent) -> None:
    run = working(search)

    def done_in_between(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if sql.startswith("SELECT") and "backtests_optimizerchunk" in sql and context["cursor"].rowcount:
            context["cursor"].connection.cursor().execute("UPDATE backtests_optimizerchunk SET status = 'done'")
        return answer

    with connection.execute_wrapper(done_in_between):
        assert sent(after(61)) == [0]  # the run stood still: this message ends it
    assert run.chunks.get().status == "done"


def test_a_merge_whose_worker_died_begins_anew(search: MakeRun, sent: Sent, clock: Clock) -> None:
    run = search()
    run_chunk(run.pk, 0, clock)  # writes the part, completes the run
    assert sent(after(3_600)) == []
    run = search()
    run.chunks.update(status="done")
    OptimizerRun.objects.filter(pk=run.pk).update(status=Status.RUNNING, stage=MERGING)
    assert sent(after(30)) == []
    assert sent(after(31)) == [0]
    run.refresh_from_db()
    assert run.stage == ""


def test_a_run_that_waits_for_nothing_is_set_going(search: MakeRun, sent: Sent) -> None:
    run = search()
    run.chunks.update(heartbeat_at=None)
    assert sent(after(31)) == [0]


def test_a_look_at_nothing_costs_three_queries(db: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):
        recover_runs(NOW)


def test_the_task_revives_at_wall_time(search: MakeRun, sent: Sent) -> None:
    search()
    assert sent(tasks.recover_optimizer_runs) == [0]
