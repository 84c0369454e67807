"""Few chunks of a run are queued at the same time, and an extra message does no harm."""

from datetime import timedelta
from functools import partial

import pytest

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.optimizer import cancel, pause, recover_runs, resume, run_chunk
from tests.backtests.optimizer_runs.conftest import Enqueued
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun

pytestmark = pytest.mark.usefixtures("small_chunks")


def active_chunks(run: OptimizerRun) -> int:
    return run.chunks.exclude(status="done").exclude(status="queued", heartbeat_at=None).count()


def test_a_new_run_enqueues_two_of_its_chunks(search: MakeRun, enqueued: Enqueued) -> None:
    assert enqueued(search) == [0, 1]
    assert OptimizerChunk.objects.count() == 3


def test_tpe_runs_one_chunk_at_a_time(search: MakeRun, enqueued: Enqueued) -> None:
    wide = {"fast": (5, 30, 1), "slow": (40, 90, 1)}
    assert enqueued(lambda: search(method="tpe", trials=60, grid=wide)) == [0]
    assert OptimizerChunk.objects.count() == 3


def test_a_completed_chunk_enqueues_the_next(search: MakeRun, enqueued: Enqueued, clock: Clock) -> None:
    run = search()
    assert enqueued(lambda: run_chunk(run.pk, 0, clock)) == [2]
    assert active_chunks(run) == 2
    assert enqueued(lambda: run_chunk(run.pk, 1, clock)) == []
    assert active_chunks(run) == 1


def test_a_second_message_neither_runs_nor_enqueues_a_chunk(
    search: MakeRun, enqueued: Enqueued, clock: Clock
) -> None:
    run = search()
    run_chunk(run.pk, 0, clock)
    assert enqueued(lambda: run_chunk(run.pk, 0, clock)) == []
    run.refresh_from_db()
    assert run.done == 10
    assert list(run.chunks.values_list("attempts", flat=True)) == [1, 0, 0]


def test_lost_messages_are_enqueued_again_without_more_concurrency(
    search: MakeRun, enqueued: Enqueued, clock: Clock
) -> None:
    run = search()
    found = [enqueued(partial(recover_runs, NOW + timedelta(seconds=second))) for second in (30, 31, 45, 62)]
    assert found == [[], [0, 1], [], [0, 1]]
    # All six messages arrive: the three chunks run once each.
    messages = [0, 1, 0, 1, 0, 1]
    for number in messages:
        messages += enqueued(partial(run_chunk, run.pk, number, clock))
        assert active_chunks(run) <= 2
    run.refresh_from_db()
    assert (run.status, run.done) == ("completed", 30)
    assert list(run.chunks.values_list("attempts", flat=True)) == [1, 1, 1]


def test_a_resumed_run_enqueues_its_chunks_again(search: MakeRun, enqueued: Enqueued, clock: Clock) -> None:
    run = search()
    pause(run, clock())
    for number in (0, 1):
        assert enqueued(partial(run_chunk, run.pk, number, clock)) == []
    assert enqueued(lambda: resume(run, clock())) == [0, 1]


def test_a_resumed_run_with_all_chunks_done_is_finished(search: MakeRun, enqueued: Enqueued, clock: Clock) -> None:
    run = search()
    run.chunks.update(status="done")
    pause(run, clock())
    assert enqueued(lambda: resume(run, clock())) == [2]


def test_a_run_that_has_ended_enqueues_nothing(search: MakeRun, enqueued: Enqueued, clock: Clock) -> None:
    run = search()
    cancel(run, clock())
    assert enqueued(lambda: run_chunk(run.pk, 0, clock)) == []
    assert enqueued(lambda: recover_runs(NOW + timedelta(days=1))) == []
    assert list(run.chunks.values_list("attempts", flat=True)) == [0, 0, 0]
