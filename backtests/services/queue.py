"""Enqueueing the tasks of this app, by name because the tasks import the services.

Each function raises kombu's OperationalError when the queue cannot be reached; recovery then enqueues again.
"""

from celery import signature

BACKTEST_TASK = "backtests.tasks.run_backtest"
CHUNK_TASK = "backtests.tasks.run_chunk"
BACKTEST_EVIDENCE_TASK = "backtests.tasks.compute_backtest_evidence"
RUN_EVIDENCE_TASK = "backtests.tasks.compute_run_evidence"
CANDIDATE_EVIDENCE_TASK = "backtests.tasks.compute_candidate_evidence"


def enqueue_backtest(backtest_id: int) -> None:
    signature(BACKTEST_TASK, args=(backtest_id,)).delay()


def enqueue_chunk(run_id: int, number: int) -> None:
    signature(CHUNK_TASK, args=(run_id, number)).delay()


def enqueue_backtest_evidence(backtest_id: int) -> None:
    signature(BACKTEST_EVIDENCE_TASK, args=(backtest_id,)).delay()


def enqueue_run_evidence(run_id: int) -> None:
    signature(RUN_EVIDENCE_TASK, args=(run_id,)).delay()


def enqueue_candidate_evidence(candidate_id: int) -> None:
    signature(CANDIDATE_EVIDENCE_TASK, args=(candidate_id,)).delay()
