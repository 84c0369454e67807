"""What the tests of backtests as rows have in common."""

from collections.abc import Callable
from datetime import UTC, datetime

from backtests.models import Backtest

NOW = datetime(2024, 5, 6, 14, 30, tzinfo=UTC)

Clock = Callable[[], datetime]
Make = Callable[..., Backtest]
Published = list[tuple[str, tuple[int, ...]]]
