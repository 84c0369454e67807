"""Gathering evidence."""

from collections.abc import Callable
from datetime import datetime


def gather_for_backtest(backtest_id: int, wall_clock: Callable[[], datetime]) -> None: ...


def gather_for_run(run_id: int, wall_clock: Callable[[], datetime]) -> None: ...
