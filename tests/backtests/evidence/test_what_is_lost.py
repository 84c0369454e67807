"""Evidence whose message or worker was lost, and evidence that is asked for."""

from datetime import timedelta
from importlib import import_module
from typing import Any
from unittest.mock import patch

import pytest
from django.apps import apps
from django.db import OperationalError
from kombu.exceptions import OperationalError as QueueIsDown

from backtests.models import Backtest, Candidate, Evidence, OptimizerRun
from backtests.services import evidence
from backtests.services.evidence import BEST, compute_for_candidate, compute_for_run
from backtests.services.queue import CANDIDATE_EVIDENCE_TASK
from tests.backtests.runs import NOW, Clock, Published

EXAMINE = "backtests.services.evidence.build_report"
RELATIVES = "backtests.services.evidence.search_context_of"


def test_what_has_waited_for_a_minute_is_asked_for_again(completed: Backtest, run: OptimizerRun) -> None:
    Backtest.objects.update(heartbeat_at=NOW)
    OptimizerRun.objects.update(heartbeat_at=NOW)
    asked = [completed.pk], [run.pk]
    for seconds, found in ((60, ([], [])), (61, asked), (62, ([], [])), (121, ([], [])), (122, asked)):
        assert evidence.claim_overdue(NOW + timedelta(seconds=seconds)) == found


def test_a_run_that_is_being_gathered_is_not_asked_for_again(run: OptimizerRun) -> None:
    """Each row takes three minutes: longer than it waits for a lost message, and than one universe may be silent."""
    moments = iter(NOW + timedelta(minutes=3 * number) for number in range(100))
    asked: list[list[int]] = []

    def swept(*_: Any) -> dict[str, Any]:
        now = OptimizerRun.objects.get().heartbeat_at
        asked.append(evidence.claim_overdue(now + timedelta(minutes=3))[1])
        return {}

    with patch(EXAMINE, side_effect=swept), patch(RELATIVES):
        compute_for_run(run.pk, lambda: next(moments))
    assert asked == [[]] * BEST
    run.refresh_from_db()
    assert (run.stage, run.evidence_gathered) == ("", True)


def test_a_second_worker_finds_the_run_taken(run: OptimizerRun, clock: Clock) -> None:
    OptimizerRun.objects.update(stage=evidence.COMPUTING)
    with patch(EXAMINE, side_effect=AssertionError("gathered twice")):
        compute_for_run(run.pk, clock)
    assert not Evidence.objects.exists()


def test_a_gatherer_that_is_gone_is_replaced(run: OptimizerRun, clock: Clock) -> None:
    with patch(EXAMINE, side_effect=OperationalError("database is locked")), pytest.raises(OperationalError):
        compute_for_run(run.pk, clock)
    run.refresh_from_db()
    assert run.stage == evidence.COMPUTING
    assert evidence.claim_overdue(run.heartbeat_at + timedelta(minutes=5))[1] == []
    assert evidence.claim_overdue(run.heartbeat_at + timedelta(minutes=5, seconds=1))[1] == [run.pk]
    compute_for_run(run.pk, clock)
    assert Evidence.objects.filter(error="").count() == BEST


def test_what_has_evidence_is_never_overdue(examined: Backtest, run: OptimizerRun, clock: Clock) -> None:
    compute_for_run(run.pk, clock)
    assert evidence.claim_overdue(NOW + timedelta(days=9)) == ([], [])


def test_what_was_found_by_other_rules_is_gathered_anew(
    examined: Backtest, run: OptimizerRun, clock: Clock
) -> None:
    compute_for_run(run.pk, clock)
    import_module("backtests.migrations.0007_evidence_anew").forget(apps, None)
    assert not Evidence.objects.exists()
    assert evidence.claim_overdue(NOW + timedelta(days=9)) == ([examined.pk], [run.pk])


def test_a_row_is_asked_for_until_it_has_evidence(
    candidate: Candidate, clock: Clock, published: Published, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        evidence.request_evidence(candidate)
    assert published == [(CANDIDATE_EVIDENCE_TASK, (candidate.pk,))]
    compute_for_candidate(candidate.pk, clock)
    with django_capture_on_commit_callbacks(execute=True):
        evidence.request_evidence(Candidate.objects.select_related("evidence").get(pk=candidate.pk))
    assert len(published) == 1


def test_a_queue_that_is_down_is_not_the_askers_trouble(
    candidate: Candidate, django_capture_on_commit_callbacks: Any
) -> None:
    with (
        patch("backtests.services.evidence.enqueue_candidate_evidence", side_effect=QueueIsDown("down")) as queue,
        django_capture_on_commit_callbacks(execute=True),
    ):
        evidence.request_evidence(candidate)
    assert queue.called
