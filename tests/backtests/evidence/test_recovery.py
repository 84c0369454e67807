"""Evidence whose message or worker was lost, and evidence on request."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from kombu.exceptions import OperationalError as QueueIsDown

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun
from backtests.services import evidence
from backtests.services.evidence import BEST, compute_for_candidate, compute_for_run
from backtests.services.queue import CANDIDATE_EVIDENCE_TASK
from tests.backtests.runs import NOW, Clock, Published


def test_evidence_that_is_missing_for_a_minute_is_enqueued_again(completed: Backtest, run: OptimizerRun) -> None:
    Backtest.objects.update(heartbeat_at=NOW)
    OptimizerRun.objects.update(heartbeat_at=NOW)
    both = [completed.pk], [run.pk]
    for seconds, found in ((60, ([], [])), (61, both), (62, ([], [])), (121, ([], [])), (122, both)):
        assert evidence.claim_overdue(NOW + timedelta(seconds=seconds)) == found


def test_a_run_whose_evidence_is_being_computed_is_not_enqueued_again(run: OptimizerRun) -> None:
    """Each candidate takes three minutes: longer than the timeout for a message, shorter than that for a
    heartbeat."""
    moments = iter(NOW + timedelta(minutes=3 * number) for number in range(100))
    overdue: list[list[int]] = []

    def recover(*_: Any) -> dict[str, Any]:
        now = OptimizerRun.objects.get().heartbeat_at
        overdue.append(evidence.claim_overdue(now + timedelta(minutes=3))[1])
        return {}

    with patch.object(evidence, "build_report", side_effect=recover), patch.object(evidence, "search_context_of"):
        compute_for_run(run.pk, lambda: next(moments))
    assert overdue == [[]] * BEST
    run.refresh_from_db()
    assert (run.stage, run.evidence_computed) == ("", True)


def test_a_second_worker_does_not_compute_the_same_run(run: OptimizerRun, clock: Clock) -> None:
    OptimizerRun.objects.update(stage=evidence.COMPUTING)
    with patch.object(evidence, "build_report", side_effect=AssertionError("computed twice")):
        compute_for_run(run.pk, clock)
    assert not Evidence.objects.exists()


def test_a_worker_without_heartbeats_is_replaced(run: OptimizerRun, clock: Clock) -> None:
    with (
        patch.object(evidence, "build_report", side_effect=OperationalError("database is locked")),
        pytest.raises(OperationalError),
    ):
        compute_for_run(run.pk, clock)
    run.refresh_from_db()
    assert run.stage == evidence.COMPUTING
    assert evidence.claim_overdue(run.heartbeat_at + timedelta(minutes=5))[1] == []
    assert evidence.claim_overdue(run.heartbeat_at + timedelta(minutes=5, seconds=1))[1] == [run.pk]
    compute_for_run(run.pk, clock)
    assert Evidence.objects.filter(error="").count() == BEST


def test_evidence_that_exists_is_never_overdue(with_evidence: Backtest, run: OptimizerRun, clock: Clock) -> None:
    compute_for_run(run.pk, clock)
    assert evidence.claim_overdue(NOW + timedelta(days=9)) == ([], [])


def test_a_candidate_is_enqueued_until_it_has_evidence(
    candidate: Candidate, clock: Clock, published: Published, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        evidence.request_evidence(candidate)
    assert published == [(CANDIDATE_EVIDENCE_TASK, (candidate.pk,))]
    compute_for_candidate(candidate.pk, clock)
    with django_capture_on_commit_callbacks(execute=True):
        evidence.request_evidence(Candidate.objects.select_related("evidence").get(pk=candidate.pk))
    assert len(published) == 1


def test_a_queue_that_cannot_be_reached_raises_nothing(
    candidate: Candidate, django_capture_on_commit_callbacks: Any
) -> None:
    with (
        patch.object(evidence, "enqueue_candidate_evidence", side_effect=QueueIsDown("down")) as queue,
        django_capture_on_commit_callbacks(execute=True),
    ):
        evidence.request_evidence(candidate)
    assert queue.called
