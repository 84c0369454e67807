"""Finishing a run: one file, a histogram, a notification to the trader."""

from typing import Any

import numpy as np
import pytest
from django.core.files.storage import storages
from django.test import TestCase
from hypothesis import given
from hypothesis import strategies as st

from backtests.models import OptimizerRun
from backtests.services.optimizer import cancel, inputs, ranked, result_shards, run_chunk
from backtests.services.optimizer import finish as finishing
from backtests.services.optimizer import work as chunk_work
from backtests.services.optimizer.finish import BINS, MERGING, finish, score_histogram
from backtests.services.optimizer.result_shards import read_results, shard_path
from backtests.services.queue import RUN_EVIDENCE_TASK
from tests.backtests.optimizer_runs.conftest import Work
from tests.backtests.runs import NOW, Clock, Published
from tests.backtests.searches import MakeRun
from tradedesk.notifications.events import Event, Priority

Status = OptimizerRun.Status


def files_of(run: OptimizerRun) -> list[str]:
    try:
        return sorted(storages["research"].listdir(f"optimizer/{run.pk}")[1])
    except FileNotFoundError:
        return []


@pytest.mark.usefixtures("small_chunks")
def test_one_file_has_all_universes_and_the_shards_are_deleted(search: MakeRun, work: Work) -> None:
    run = work(search(symbols=["AAPL", "MSFT"], min_trades=0))
    assert files_of(run) == ["results.parquet"]
    for universe in ("AAPL", "MSFT"):
        table = read_results(run.results_path, ["number", "fast", "slow", "score"], universe)
        kept = {row.number: row.score for row in ranked(run, universe)}
        assert dict(zip(table["number"].to_pylist(), table["score"].to_pylist(), strict=True)) == pytest.approx(
            kept
        )
        assert sum(run.histograms[universe]["counts"]) == sum(score is not None for score in kept.values())


def test_the_trader_is_notified_of_the_tested_and_the_invalid_combinations(search: MakeRun, work: Work) -> None:
    run = work(search())
    notification = run.user.notifications.get()
    assert (notification.event, notification.priority) == (Event.RESEARCH_FINISHED, Priority.LOW)
    assert notification.text == (
        "The search of “Golden cross” on AAPL is complete: 26 combinations tested, 4 are invalid for "
        "this strategy."
    )
    assert notification.url == f"/dashboard/optimizer/{run.pk}"


def test_fewer_trials_than_requested_are_explained(search: MakeRun, work: Work) -> None:
    run = work(search(method="random", trials=30))
    assert "4 fewer than requested" in run.user.notifications.get().text


def test_the_evidence_is_enqueued_once(search: MakeRun, clock: Clock, published: Published) -> None:
    run = search()
    with TestCase.captureOnCommitCallbacks(execute=True):
        run_chunk(run.pk, 0, clock)
        run_chunk(run.pk, 0, clock)
    assert published.count((RUN_EVIDENCE_TASK, (run.pk,))) == 1


def test_a_run_with_unfinished_chunks_is_not_finished(search: MakeRun, clock: Clock) -> None:
    run = search()
    OptimizerRun.objects.update(status=Status.RUNNING)
    finish(run.pk, clock)
    run.refresh_from_db()
    assert (run.status, run.stage) == (Status.RUNNING, "")


def test_a_run_that_another_worker_finishes_is_not_changed(search: MakeRun, clock: Clock) -> None:
    run = search()
    run.chunks.update(status="done")
    OptimizerRun.objects.update(status=Status.RUNNING, stage=MERGING)
    finish(run.pk, clock)
    run.refresh_from_db()
    assert (run.status, run.stage) == (Status.RUNNING, MERGING)


def test_a_cancel_during_the_merge_takes_precedence(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()

    def cancelled_during_merge(*args: Any) -> Any:
        yield from merge(*args)
        cancel(run, NOW)

    merge = result_shards.merge_shards
    monkeypatch.setattr(finishing, "merge_shards", cancelled_during_merge)
    with TestCase.captureOnCommitCallbacks(execute=True):
        run_chunk(run.pk, 0, clock)
    run.refresh_from_db()
    assert (run.status, run.results_path, files_of(run)) == (Status.CANCELLED, "", [])
    assert not run.user.notifications.exists()


def test_a_missing_shard_fails_the_run_and_is_named(search: MakeRun, work: Work) -> None:
    run = search(symbols=["AAPL", "MSFT"])
    run.chunks.filter(number=0).update(status="done")
    run = work(run)
    assert run.status == Status.FAILED
    assert "FileNotFoundError" in run.error


def test_a_run_without_valid_combinations_fails(
    search: MakeRun, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the grid were too large to be checked in full before.
    monkeypatch.setattr(inputs, "MAX_FULL_CHECK", 10)
    with TestCase.captureOnCommitCallbacks(execute=True):
        run = work(search(grid={"fast": (30, 40, 1), "slow": (10, 30, 1)}))
    assert run.status == Status.FAILED
    assert "accepts none of these combinations" in run.error
    assert files_of(run) == []


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_shards_are_deleted_however_the_run_ends(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    run = search()
    run_chunk(run.pk, 0, clock)
    assert files_of(run) == ["shard-00000.parquet"]
    with TestCase.captureOnCommitCallbacks(execute=True):
        if end == "cancelled":
            cancel(run, clock())
        else:
            monkeypatch.setattr(chunk_work, "sweep_trials", lambda *_: 1 / 0)
            run_chunk(run.pk, 1, clock)
    run.refresh_from_db()
    assert (run.status, files_of(run)) == (end, [])


def test_a_shard_written_after_the_end_is_deleted(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()
    write = result_shards.write_shard

    def cancelled_first(*args: Any) -> None:
        cancel(run, NOW)
        write(*args)
        assert storages["research"].exists(shard_path(run.pk, 0))

    monkeypatch.setattr(chunk_work, "write_shard", cancelled_first)
    run_chunk(run.pk, 0, clock)
    assert files_of(run) == []


# --- The histogram ---------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.just(float("nan")), st.floats(-50, 50)), max_size=200))
def test_the_histogram_counts_every_score_that_is_defined(scores: list[float]) -> None:
    found = score_histogram(scores)
    known = [score for score in scores if score == score]
    assert sum(found["counts"]) == len(known)
    if known:
        assert len(found["counts"]) == BINS
        assert np.all(np.diff(found["edges"]) > 0)


@pytest.mark.parametrize("scores", [[0.5, 0.5 + 1e-15], [1e9, 1e9 + 1e-6], [0.0, 5e-324], [2.0]])
def test_nearly_equal_scores_have_bins(scores: list[float]) -> None:
    found = score_histogram(scores)
    assert sum(found["counts"]) == len(scores)
    assert len(found["edges"]) == BINS + 1


def test_an_outlier_counts_in_the_last_bin_and_does_not_stretch_the_bins() -> None:
    found = score_histogram([*np.linspace(0, 1, 999).tolist(), 1e9])
    assert found["edges"][-1] < 1.01
    assert found["counts"][-1] >= 5
