"""How the replay market plays: paused or not, how fast, and to which session it runs. Pure."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

# How many times faster than REPLAY_SECONDS_PER_BAR.
SPEEDS = (1, 10)


@dataclass(frozen=True, slots=True)
class Play:
    """jump_to: the session that the replay runs to as fast as the work of each session allows, paused or not;
    None while it plays."""

    paused: bool = False
    speed: int = 1
    jump_to: date | None = None

    @property
    def stands(self) -> bool:
        return self.paused and self.jump_to is None

    def pace(self, seconds_per_bar: float) -> timedelta:
        """How long a session is shown at least."""
        return timedelta(0) if self.jump_to else timedelta(seconds=seconds_per_bar / self.speed)

    def target(self, following: date, *, is_idle: bool) -> date:
        """The session to move to. following: the one after the session that is shown. Only a desk on which nothing
        depends on the sessions in between (`is_idle`) goes to the end of a jump at once."""
        return max(following, self.jump_to) if self.jump_to and is_idle else following

    def still_to_jump(self, session: date) -> date | None:
        """`jump_to` once this session is shown."""
        return self.jump_to if self.jump_to and session < self.jump_to else None


PLAYING = Play()


def shown_since(due: datetime, pace: timedelta, wall_now: datetime) -> datetime:
    """From when on the next session counts as shown. A slightly late call does not slow the replay down; after a
    stop it continues without catching up."""
    return due if due <= wall_now < due + pace else wall_now
