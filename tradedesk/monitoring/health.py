"""The health of the desk: whether each part works, and what to do if it does not."""

import threading
import time
from dataclasses import dataclass
from datetime import datetime

from tradedesk.monitoring.deadlines import Watch
from tradedesk.monitoring.findings import Finding, State, probes

# Seconds of wall time. The whole answer comes within two seconds, whatever hangs.
DEADLINE = 1.5
# A flood of requests looks at the parts once in this time.
KEPT = 1.0
OK, DEGRADED, DOWN = "ok", "degraded", "down"


@dataclass(frozen=True, slots=True)
class Health:
    """findings: by part, in the order in which they are shown."""

    findings: dict[str, Finding]

    @property
    def state(self) -> State:
        return max((finding.state for finding in self.findings.values()), default=State.OK)

    @property
    def status(self) -> str:
        """ "down": something does not trade. "degraded": the desk trades, and something needs attention."""
        return {State.ERROR: DOWN, State.WARNING: DEGRADED}.get(self.state, OK)

    def as_json(self) -> dict[str, object]:
        """For each part "ok", or the sentence about what is ill; "details" has what was seen of the others."""
        ill = {part: finding.state >= State.WARNING for part, finding in self.findings.items()}
        parts = {part: finding.text if ill[part] else OK for part, finding in self.findings.items()}
        details = {part: finding.text for part, finding in self.findings.items() if not ill[part]}
        return {"status": self.status, **parts, "details": details}


class HealthReader:
    """Looks at the parts, and answers everybody who asks within KEPT seconds with the same look."""

    def __init__(self, watch: Watch, *, deadline: float = DEADLINE, kept: float = KEPT) -> None:
        self._watch, self._deadline, self._kept = watch, deadline, kept
        self._lock = threading.Lock()
        self._last: tuple[float, Health] | None = None

    def read(self, wall_now: datetime) -> Health:
        with self._lock:
            if self._last is not None and time.monotonic() - self._last[0] < self._kept:
                return self._last[1]
            health = Health(self._watch.ask(probes(), wall_now, self._deadline))
            self._last = time.monotonic(), health
            return health


reader = HealthReader(Watch())
