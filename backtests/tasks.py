"""Celery's doors: read the clock, call one service, enqueue what it names."""

from celery import shared_task
from django.utils import timezone

from backtests import services
from backtests.services.queue import RUN_TASK, enqueue


@shared_task(name=RUN_TASK)
def run_backtest(backtest_id: int) -> None:
    services.run_backtest(backtest_id, timezone.now)


@shared_task
def sweep_backtests() -> None:
    for backtest_id in services.sweep_backtests(timezone.now()):
        enqueue(backtest_id)
