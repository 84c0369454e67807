"""Few chunks of a run are in the queue at a time, and a message too many does no harm."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from backtests.models import OptimizerChunk, OptimizerRun
from backtests.services.optimizer import cancel, pause, resume, recover_runs, run_chunk
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun

Sent = Callable[[Callable[[], Any]], list[int]]

pytestmark = pytest.mark.usefixtures("small_chunks")


def in_hand(run: OptimizerRun) -> int:
    return run.chunks.exclude(status="done").exclude(status="queued", heartbeat_at=None).count()


def test_a_new_run_sends_two_of_its_chunks(search: MakeRun, sent: Sent) -> None:
    assert sent(search) == [0, 1]
    assert OptimizerChunk.objects.count() == 3


def test_the_estimator_has_one_lane(search: MakeRun, sent: Sent) -> None:
    wide = {"fast": (5, 30, 1), "slow": (40, 90, 1)}
    assert sent(lambda: search(method="tpe", trials=60, grid=wide)) == [0]
    assert OptimizerChunk.objects.count() == 3


def test_each_chunk_that_is_done_sends_the_next(search: MakeRun, sent: Sent, clock: Clock) -> None:
    run = search()
    assert sent(lambda: run_chunk(run.pk, 0, clock)) == [2]
    assert in_hand(run) == 2
    assert sent(lambda: run_chunk(run.pk, 1, clock)) == []
    assert in_hand(run) == 1


def test_a_message_that_comes_twice_neither_works_nor_sends(search: MakeRun, sent: Sent, clock: Clock) -> None:
    run = search()
    run_chunk(run.pk, 0, clock)
    assert sent(lambda: run_chunk(run.pk, 0, clock)) == []
    run.refresh_from_db()
    assert run.done == 10
    assert list(run.chunks.values_list("attempts", flat=True)) == [1, 0, 0]


def test_a_run_that_waits_long_is_sent_again_and_gets_no_lane_more(
    search: MakeRun, sent: Sent, clock: Clock
) -> None:
    run = search()
    found = [sent(partial(recover_runs, NOW + timedelta(seconds=second))) for second in (30, 31, 45, 62)]
    assert found == [[], [0, 1], [], [0, 1]]
    # All six messages arrive: three chunks are worked on, one after the other.
    messages = [0, 1, 0, 1, 0, 1]
    for number in messages:
        messages += sent(partial(run_chunk, run.pk, number, clock))
        assert in_hand(run) <= 2
    run.refresh_from_db()
    assert (run.status, run.done) == ("completed", 30)
    assert list(run.chunks.values_list("attempts", flat=True)) == [1, 1, 1]


def test_a_run_that_goes_on_is_sent_anew(search: MakeRun, sent: Sent, clock: Clock) -> None:
    run = search()
    pause(run, clock())
    for number in (0, 1):
        assert sent(partial(run_chunk, run.pk, number, clock)) == []
    assert sent(lambda: resume(run, clock())) == [0, 1]


def test_a_run_that_goes_on_with_all_chunks_done_is_ended(search: MakeRun, sent: Sent, clock: Clock) -> None:
    run = search()
    run.chunks.update(status="done")
    pause(run, clock())
    assert sent(lambda: resume(run, clock())) == [2]


def test_a_run_that_has_ended_sends_nothing(search: MakeRun, sent: Sent, clock: Clock) -> None:
    run = search()
    cancel(run, clock())
    assert sent(lambda: run_chunk(run.pk, 0, clock)) == []
    assert sent(lambda: recover_runs(NOW + timedelta(days=1))) == []
    assert list(run.chunks.values_list("attempts", flat=True)) == [0, 0, 0]
