"""The fence: until when a worker may call a broker for what it has claimed, and the time-outs that this needs.

A worker that stalls loses its claim, and another one takes its work over. It must not call the broker when it
wakes: so right before each call it reads the clock again, and the call must end before anybody else can begin.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

# Wall time, each shorter than the next. A call of a broker ends after this time, answered or not: an adapter's
# time-outs are below it.
BROKER_CALL = timedelta(seconds=15)
# A worker may use its claim for so long.
FENCE = timedelta(seconds=25)
# The worker of a claimed order counts as stopped.
LOST_WORKER = timedelta(seconds=30)
# The claim of an account, when its tick does not renew it.
LEASE = timedelta(seconds=30)


@dataclass(slots=True)
class Fence:
    """clock: the wall time, read again at each question. until: the end of the claim, in wall time."""

    clock: Callable[[], datetime]
    until: datetime

    @classmethod
    def from_claim(cls, claimed_at: datetime, clock: Callable[[], datetime] | None) -> "Fence":
        """clock: None when the time does not pass."""
        return cls(clock or (lambda: claimed_at), claimed_at + FENCE)

    def allows_call(self) -> bool:
        """Whether a call that begins now ends before the claim does."""
        return self.clock() + BROKER_CALL < self.until

    def renewed(self) -> None:
        """The claim was renewed just now."""
        self.until = self.clock() + FENCE

    def close(self) -> None:
        """The claim was lost."""
        self.until = datetime.min.replace(tzinfo=self.until.tzinfo)
