"""Enqueueing the tasks of this app, by name because the tasks import the services.

None of these raises: recovery enqueues again what could not be published; for a candidate the next request does.
"""

from collections.abc import Iterable

from tradedesk.publishing import publish

BACKTEST_TASK = "backtests.tasks.run_backtest"
CHUNK_TASK = "backtests.tasks.run_chunk"
BACKTEST_EVIDENCE_TASK = "backtests.tasks.compute_backtest_evidence"
RUN_EVIDENCE_TASK = "backtests.tasks.compute_run_evidence"
CANDIDATE_EVIDENCE_TASK = "backtests.tasks.compute_candidate_evidence"


def enqueue_backtest(backtest_id: int) -> None:
    publish(BACKTEST_TASK, [(backtest_id,)])


def enqueue_chunks(run_id: int, numbers: Iterable[int]) -> None:
    publish(CHUNK_TASK, [(run_id, number) for number in numbers])


def enqueue_backtest_evidence(backtest_id: int) -> None:
    publish(BACKTEST_EVIDENCE_TASK, [(backtest_id,)])


def enqueue_run_evidence(run_id: int) -> None:
    publish(RUN_EVIDENCE_TASK, [(run_id,)])


def enqueue_candidate_evidence(candidate_id: int) -> None:
    publish(CANDIDATE_EVIDENCE_TASK, [(candidate_id,)])
