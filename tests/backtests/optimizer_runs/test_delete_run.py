"""Deleting an optimizer run: what is deleted, what stays, and that a worker leaves nothing behind."""

import threading
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.test import TestCase

from backtests.models import Backtest, Candidate, Evidence, OptimizerChunk, OptimizerRun, TrialRegistry
from backtests.services import evidence, run_backtest
from backtests.services.optimizer import delete_run, open_as_backtest, pause, ranked, result_shards, run_chunk
from backtests.services.optimizer import finish as finishing
from backtests.services.optimizer import work as chunk_work
from tests.backtests.optimizer_runs.conftest import Work
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun
from tests.livetrading.factories import make_live_strategy
from tradedesk.accounts.models import UserVersion

Status = OptimizerRun.Status


def remaining() -> tuple[int, int, int, int]:
    return tuple(  # type: ignore[return-value]
        model.objects.count() for model in (OptimizerRun, OptimizerChunk, Candidate, Evidence)
    )


def files_of(pk: int) -> list[str]:
    try:
        return sorted(storages["research"].listdir(f"optimizer/{pk}")[1])
    except FileNotFoundError:
        return []


def delete_now(run: OptimizerRun) -> None:
    with TestCase.captureOnCommitCallbacks(execute=True):
        delete_run(run)


def test_candidates_evidence_and_files_are_deleted_with_it(search: MakeRun, work: Work) -> None:
    run, kept = work(search()), work(search())
    for row in run.candidates.all()[:3]:
        Evidence.objects.create(candidate=row, computed_at=NOW)
    delete_now(run)
    assert remaining() == (1, 1, 26, 0)
    assert (files_of(run.pk), files_of(kept.pk)) == ([], ["results.parquet"])


def test_backtests_and_deployments_from_it_stay(search: MakeRun, work: Work, clock: Clock) -> None:
    run = work(search())
    row = ranked(run, "AAPL")[0]
    backtest = open_as_backtest(row, NOW)
    run_backtest(backtest.pk, clock)
    live = make_live_strategy(user=run.user, candidate=row, status="active")
    delete_now(run)
    backtest.refresh_from_db()
    live.refresh_from_db()
    assert (backtest.candidate, backtest.status, live.candidate, live.status) == (
        None,
        Backtest.Status.COMPLETED,
        None,
        "active",
    )


def test_the_trial_registry_still_counts_it(search: MakeRun, work: Work) -> None:
    run = work(search())
    before = TrialRegistry.objects.values().get()
    assert before["trials"] == 26
    delete_now(run)
    assert TrialRegistry.objects.values().get() == before


def test_the_pages_of_the_user_refresh(search: MakeRun) -> None:
    run = search()
    before = UserVersion.objects.get(user=run.user).number
    delete_now(run)
    assert UserVersion.objects.get(user=run.user).number == before + 1


def test_deleting_it_twice_is_no_error(search: MakeRun) -> None:
    run = search()
    twin = OptimizerRun.objects.get(pk=run.pk)
    delete_now(run)
    delete_now(twin)
    assert remaining() == (0, 0, 0, 0)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.PAUSED, Status.CANCELLED, Status.FAILED])
def test_a_run_of_any_status_is_deleted(search: MakeRun, clock: Clock, status: Status) -> None:
    run = search()
    run_chunk(run.pk, 0, clock)
    OptimizerRun.objects.update(status=status)
    assert files_of(run.pk) == ["shard-00000.parquet"]
    delete_now(run)
    assert (remaining(), files_of(run.pk)) == ((0, 0, 0, 0), [])
    run_chunk(run.pk, 1, clock)
    assert not pause(run, NOW)
    assert remaining() == (0, 0, 0, 0)


@pytest.mark.parametrize("reading", range(1, 6))
def test_a_run_that_is_deleted_while_a_worker_runs_it_leaves_nothing(
    search: MakeRun, clock: Clock, reading: int
) -> None:
    """Before each of the worker's writes: a heartbeat, the end of the chunk, the merge, the end of the run."""
    run, readings = search(), iter(range(100))

    def read() -> Any:
        if next(readings) == reading:
            delete_now(run)
        return clock()

    run_chunk(run.pk, 0, read)
    assert next(readings) > reading
    assert (remaining(), files_of(run.pk)) == ((0, 0, 0, 0), [])
    assert not run.user.notifications.exists()


def test_a_shard_written_after_the_deletion_is_deleted(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, write = search(), result_shards.write_shard

    def deleted_first(*args: Any) -> None:
        delete_now(run)
        write(*args)
        assert files_of(run.pk) == ["shard-00000.parquet"]

    monkeypatch.setattr(chunk_work, "write_shard", deleted_first)
    run_chunk(run.pk, 0, clock)
    assert (remaining(), files_of(run.pk)) == ((0, 0, 0, 0), [])


def test_a_file_merged_after_the_deletion_is_deleted(
    search: MakeRun, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, merge = search(), result_shards.merge_shards

    def deleted_during_merge(*args: Any) -> Any:
        merged = iter(merge(*args))
        yield next(merged)
        delete_now(run)
        yield from merged
        assert files_of(run.pk) == ["results.parquet"]

    monkeypatch.setattr(finishing, "merge_shards", deleted_during_merge)
    run_chunk(run.pk, 0, clock)
    assert (remaining(), files_of(run.pk)) == ((0, 0, 0, 0), [])


@pytest.mark.django_db(transaction=True)
def test_the_deletion_waits_for_evidence_that_is_being_stored(
    search: MakeRun, work: Work, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deletion starts between the lock of the candidate and the insert of its evidence."""
    run = work(search())
    row, stored, done = ranked(run, "AAPL")[0], threading.Event(), threading.Event()

    def delete() -> None:
        stored.wait(20)
        delete_run(run)
        connection.close()
        done.set()

    def get_or_create(*args: Any, **options: Any) -> Any:
        found = create(*args, **options)
        stored.set()
        assert not done.wait(0.3)
        return found

    create = Evidence.objects.get_or_create
    monkeypatch.setattr(Evidence.objects, "get_or_create", get_or_create)
    deleting = threading.Thread(target=delete)
    deleting.start()
    evidence.compute_for_candidate(row.pk, clock)
    deleting.join(20)
    assert done.is_set()
    assert remaining() == (0, 0, 0, 0)
