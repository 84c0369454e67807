"""The end of a run: one file, a histogram, a word to the trader."""

from typing import Any

import numpy as np
import pytest
from django.core.files.storage import storages
from django.test import TestCase
from hypothesis import given
from hypothesis import strategies as st

from backtests.models import OptimizerRun
from backtests.services.optimizer import cancel, parts, ranked, run_chunk
from backtests.services.optimizer import finish as ending
from backtests.services.optimizer import work as working
from backtests.services.optimizer.finish import BINS, MERGING, finish, histogram
from backtests.services.optimizer.result_shards import read_results, shard_path
from tests.backtests.optimizer_runs.conftest import Work
from tests.backtests.runs import NOW, Clock, Published
from tests.backtests.searches import MakeRun

Status = OptimizerRun.Status


def files_of(run: OptimizerRun) -> list[str]:
    try:
        return sorted(storages["research"].listdir(f"optimizer/{run.pk}")[1])
    except FileNotFoundError:
        return []


@pytest.mark.usefixtures("small_chunks")
def test_one_file_holds_all_markets_and_the_parts_are_gone(search: MakeRun, work: Work) -> None:
    run = work(search(symbols=["AAPL", "MSFT"], min_trades=0))
    assert files_of(run) == ["results.parquet"]
    for universe in ("AAPL", "MSFT"):
        table = read_results(run.results_path, ["number", "fast", "slow", "score"], universe)
        kept = {row.number: row.score for row in ranked(run, universe)}
        assert dict(zip(table["number"].to_pylist(), table["score"].to_pylist(), strict=True)) == pytest.approx(
            kept
        )
        assert sum(run.histograms[universe]["counts"]) == sum(score is not None for score in kept.values())


def test_the_trader_is_told_how_many_were_tried_and_left_out(search: MakeRun, work: Work) -> None:
    run = work(search())
    told = run.user.notifications.get()
    assert told.text == "The search of “Golden cross” on AAPL is done: 26 tried, 4 left out by its own rule."
    assert told.url == f"/dashboard/optimizer/{run.pk}"


def test_fewer_than_asked_is_not_called_left_out(search: MakeRun, work: Work) -> None:
    run = work(search(method="random", trials=30))
    said = run.user.notifications.get().text
    assert "26 tried, 4 fewer than asked: no more fit." in said


def test_the_evidence_is_asked_for_once(search: MakeRun, clock: Clock, published: Published) -> None:
    run = search()
    with TestCase.captureOnCommitCallbacks(execute=True):
        run_chunk(run.pk, 0, clock)
        run_chunk(run.pk, 0, clock)
    assert published.count(("backtests.tasks.gather_run_evidence", (run.pk,))) == 1


def test_a_run_with_chunks_to_do_is_not_ended(search: MakeRun, clock: Clock) -> None:
    run = search()
    OptimizerRun.objects.update(status=Status.RUNNING)
    finish(run.pk, clock)
    run.refresh_from_db()
    assert (run.status, run.stage) == (Status.RUNNING, "")


def test_one_worker_ends_it_and_the_others_do_nothing(search: MakeRun, clock: Clock) -> None:
    run = search()
    run.chunks.update(status="done")
    OptimizerRun.objects.update(status=Status.RUNNING, stage=MERGING)
    finish(run.pk, clock)
    run.refresh_from_db()
    assert (run.status, run.stage) == (Status.RUNNING, MERGING)


def test_a_cancel_during_the_merge_wins(search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    run = search()

    def cancelled_meanwhile(*args: Any) -> Any:
        yield from merge(*args)
        cancel(run, NOW)

    merge = parts.merge
    monkeypatch.setattr(ending, "merge", cancelled_meanwhile)
    with TestCase.captureOnCommitCallbacks(execute=True):
        run_chunk(run.pk, 0, clock)
    run.refresh_from_db()
    assert (run.status, run.results_path, files_of(run)) == (Status.CANCELLED, "", [])
    assert not run.user.notifications.exists()


def test_a_part_that_is_gone_ends_the_run_with_a_sentence(search: MakeRun, work: Work) -> None:
    run = search(symbols=["AAPL", "MSFT"])
    run.chunks.filter(number=0).update(status="done")
    run = work(run)
    assert run.status == Status.FAILED
    assert run.error.startswith("The desk made an error (FileNotFoundError")


def test_where_nothing_fits_the_run_says_so(search: MakeRun, work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    # So large that it is not looked through before.
    monkeypatch.setattr("backtests.services.optimizer.inputs.CHECKED_EXTRA", 10)
    with TestCase.captureOnCommitCallbacks(execute=True):
        run = work(search(grid={"fast": (30, 40, 1), "slow": (10, 30, 1)}))
    assert run.status == Status.FAILED
    assert run.error == "No combination fits the strategy's own rule. Choose other ranges."
    assert files_of(run) == []


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_no_end_leaves_parts(search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    run = search()
    run_chunk(run.pk, 0, clock)
    assert files_of(run) == ["part-00000.parquet"]
    with TestCase.captureOnCommitCallbacks(execute=True):
        if end == "cancelled":
            cancel(run, clock())
        else:
            monkeypatch.setattr(working, "sweep", lambda *_: 1 / 0)
            run_chunk(run.pk, 1, clock)
    run.refresh_from_db()
    assert (run.status, files_of(run)) == (end, [])


def test_a_part_written_after_the_end_is_deleted(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = search()
    write = parts.write_shard

    def cancelled_first(*args: Any) -> None:
        cancel(run, NOW)
        write(*args)
        assert storages["research"].exists(shard_path(run.pk, 0))

    monkeypatch.setattr(working, "write_shard", cancelled_first)
    run_chunk(run.pk, 0, clock)
    assert files_of(run) == []


# --- The histogram ---------------------------------------------------------------------------------------------


@given(st.lists(st.one_of(st.just(float("nan")), st.floats(-50, 50)), max_size=200))
def test_the_histogram_counts_every_score_that_is_defined(scores: list[float]) -> None:
    found = histogram(scores)
    known = [score for score in scores if score == score]
    assert sum(found["counts"]) == len(known)
    if known:
        assert len(found["counts"]) == BINS
        assert np.all(np.diff(found["edges"]) > 0)


@pytest.mark.parametrize("scores", [[0.5, 0.5 + 1e-15], [1e9, 1e9 + 1e-6], [0.0, 5e-324], [2.0]])
def test_scores_that_are_all_but_equal_have_bins(scores: list[float]) -> None:
    found = histogram(scores)
    assert sum(found["counts"]) == len(scores)
    assert len(found["edges"]) == BINS + 1


def test_an_outlier_counts_at_the_end_and_does_not_stretch_the_bins() -> None:
    found = histogram([*np.linspace(0, 1, 999).tolist(), 1e9])
    assert found["edges"][-1] < 1.01
    assert found["counts"][-1] >= 5
