"""Handing a backtest to a worker."""

from celery import signature

# By name: the task imports the services, not the other way round.
RUN_TASK = "backtests.tasks.run_backtest"


def enqueue(backtest_id: int) -> None:
    """Raises kombu's OperationalError when the queue cannot be reached; the sweep then tries again."""
    signature(RUN_TASK, args=(backtest_id,)).delay()
