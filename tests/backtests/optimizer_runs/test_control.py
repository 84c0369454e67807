"""Pausing, resuming and cancelling, from every status."""

from datetime import timedelta

import pytest

from backtests.models import OptimizerRun
from backtests.services.optimizer import cancel, pause, resume, run_chunk, time_left
from tests.backtests.optimizer_runs.conftest import Work
from tests.backtests.runs import NOW, Clock
from tests.backtests.searches import MakeRun
from tradedesk.accounts.models import UserVersion

Status = OptimizerRun.Status
LATER = NOW + timedelta(minutes=1)
CHANGES = {"pause": pause, "resume": resume, "cancel": cancel}


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        ("pause", Status.QUEUED, Status.PAUSED),
        ("pause", Status.RUNNING, Status.PAUSED),
        ("resume", Status.PAUSED, Status.QUEUED),
        ("cancel", Status.QUEUED, Status.CANCELLED),
        ("cancel", Status.RUNNING, Status.CANCELLED),
        ("cancel", Status.PAUSED, Status.CANCELLED),
    ],
)
def test_a_valid_change_is_stored_and_refreshes_the_page(
    search: MakeRun, change: str, before: Status, after: Status
) -> None:
    run = search()
    OptimizerRun.objects.update(status=before)
    version = UserVersion.objects.get(user=run.user).number
    assert CHANGES[change](run, LATER)
    run.refresh_from_db()
    assert (run.status, run.finished_at) == (after, LATER if change == "cancel" else None)
    assert UserVersion.objects.get(user=run.user).number > version


@pytest.mark.parametrize(
    ("change", "before"),
    [
        ("pause", Status.PAUSED),
        *(("pause", ended) for ended in OptimizerRun.FINISHED),
        ("resume", Status.QUEUED),
        ("resume", Status.RUNNING),
        *(("resume", ended) for ended in OptimizerRun.FINISHED),
        *(("cancel", ended) for ended in OptimizerRun.FINISHED),
    ],
)
def test_an_invalid_change_does_nothing(search: MakeRun, change: str, before: Status) -> None:
    run = search()
    OptimizerRun.objects.update(status=before)
    version = UserVersion.objects.get(user=run.user).number
    assert not CHANGES[change](run, LATER)
    run.refresh_from_db()
    assert (run.status, run.finished_at) == (before, None)
    assert UserVersion.objects.get(user=run.user).number == version


@pytest.mark.usefixtures("small_chunks")
def test_candidates_found_before_a_cancel_are_kept(search: MakeRun, clock: Clock) -> None:
    run = search()
    run_chunk(run.pk, 0, clock)
    cancel(run, clock())
    run_chunk(run.pk, 1, clock)
    run.refresh_from_db()
    assert (run.status, run.done) == (Status.CANCELLED, 10)
    assert run.candidates.count() == 10


def test_a_run_that_had_started_resumes_as_running(search: MakeRun, clock: Clock) -> None:
    run = search()
    OptimizerRun.objects.update(status=Status.PAUSED, started_at=NOW)
    resume(run, clock())
    run.refresh_from_db()
    assert run.status == Status.RUNNING


# --- The remaining time
# -------------------------------------------------------------------------------------------


def test_the_remaining_time_follows_from_the_work_done_and_the_concurrency(search: MakeRun) -> None:
    run = search()
    run.status, run.combinations, run.done, run.worker_seconds = Status.RUNNING, 1_000, 200, 10.0
    assert time_left(run) == pytest.approx(800 * 10.0 / 200 / 2)
    run.method = "tpe"
    assert time_left(run) == pytest.approx(800 * 10.0 / 200)


def test_the_remaining_time_is_unknown_before_the_first_chunk(search: MakeRun) -> None:
    run = search()
    run.status = Status.RUNNING
    assert time_left(run) is None


def test_a_paused_run_has_no_remaining_time(search: MakeRun) -> None:
    run = search()
    run.status, run.done, run.worker_seconds = Status.PAUSED, 10, 1.0
    assert time_left(run) is None


def test_a_completed_run_has_no_remaining_time(search: MakeRun, work: Work) -> None:
    assert time_left(work(search())) is None
