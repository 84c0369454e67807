"""The Celery tasks: each reads the clock, calls one service and enqueues what it returns."""

from celery import shared_task
from django.utils import timezone

from backtests import services
from backtests.services import evidence, optimizer
from backtests.services.queue import (
    BACKTEST_EVIDENCE_TASK,
    BACKTEST_TASK,
    CANDIDATE_EVIDENCE_TASK,
    CHUNK_TASK,
    RUN_EVIDENCE_TASK,
    enqueue_backtest,
    enqueue_backtest_evidence,
    enqueue_run_evidence,
)
from backtests.services.turns import next_backtest, next_chunk


@shared_task(name=BACKTEST_TASK)
def run_backtest(backtest_id: int) -> None:
    services.run_backtest(next_backtest(backtest_id), timezone.now)


@shared_task
def recover_backtests() -> None:
    for backtest_id in services.recover_backtests(timezone.now()):
        enqueue_backtest(backtest_id)
    backtests, runs = evidence.claim_overdue(timezone.now())
    for backtest_id in backtests:
        enqueue_backtest_evidence(backtest_id)
    for run_id in runs:
        enqueue_run_evidence(run_id)


@shared_task(name=CHUNK_TASK)
def run_chunk(run_id: int, number: int) -> None:
    optimizer.run_chunk(*next_chunk(run_id, number), timezone.now)


@shared_task
def recover_optimizer_runs() -> None:
    optimizer.recover_runs(timezone.now())


@shared_task(name=BACKTEST_EVIDENCE_TASK)
def compute_backtest_evidence(backtest_id: int) -> None:
    evidence.compute_for_backtest(backtest_id, timezone.now)


@shared_task(name=RUN_EVIDENCE_TASK)
def compute_run_evidence(run_id: int) -> None:
    evidence.compute_for_run(run_id, timezone.now)


@shared_task(name=CANDIDATE_EVIDENCE_TASK)
def compute_candidate_evidence(candidate_id: int) -> None:
    evidence.compute_for_candidate(candidate_id, timezone.now)
