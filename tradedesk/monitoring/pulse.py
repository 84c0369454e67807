"""What heartbeats say: alive, silent, or from a clock that jumped. Without Django, as containers use it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

# Seconds. Beat sends the heartbeat tasks every 5 s, so up to three may be late.
MAX_HEARTBEAT_AGE = 20.0
# Seconds that the clocks of two machines may differ. A heartbeat further ahead says that a clock has jumped.
MAX_AHEAD = 5.0


@dataclass(frozen=True, slots=True)
class Pulse:
    """The best heartbeat of a component. age: seconds; None without any, negative for one of the future. longest:
    the age up to which it lives, in seconds."""

    age: float | None
    longest: float = MAX_HEARTBEAT_AGE

    @property
    def is_alive(self) -> bool:
        return self.age is not None and -MAX_AHEAD <= self.age <= self.longest


def pulse_of(moments: Iterable[datetime], wall_now: datetime, longest: float = MAX_HEARTBEAT_AGE) -> Pulse:
    """One living process is enough; otherwise the heartbeat that is nearest to now, also one of the future."""
    pulses = [Pulse((wall_now - moment).total_seconds(), longest) for moment in moments]
    living = [pulse for pulse in pulses if pulse.is_alive]
    return min(living or pulses, key=lambda pulse: abs(pulse.age or 0.0), default=Pulse(None))
