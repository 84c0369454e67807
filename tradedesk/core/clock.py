"""The clock: everything that needs the market's time is given it by one of these."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the market's time: the wall's on a real market, the replayed one on the replay market."""

    def now(self) -> datetime:
        """The market's time, aware, in UTC."""
        ...


class SystemClock:
    """The wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class FixedClock:
    """A clock that stands where it is put; for tests and for replays."""

    moment: datetime

    def now(self) -> datetime:
        return self.moment
