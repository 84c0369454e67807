"""The clock: the one source of market time."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Gives the market's time: the wall clock on the real market, the replay's time on the replay market."""

    def now(self) -> datetime:
        """The market's time, aware, in UTC."""
        ...


class SystemClock:
    """The wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)
