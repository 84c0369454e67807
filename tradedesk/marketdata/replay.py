"""The replay market: plays the sample sessions one after another, as if each closed now.

It waits for the work of each session: what has registered with `wait_for` says what is still to do. Who may pause
it, change its speed or make it jump is decided by livetrading/services/replay_control.py.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tradedesk.marketdata import sessions
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.pacing import PLAYING, Play, shown_since
from tradedesk.marketdata.samples import FIRST_SESSION, LAST_SESSION
from tradedesk.wall_time import has_passed

ROW = 1
# The market asks every second while it waits. A longer pause means that the desk was stopped, which is no waiting.
LONGEST_STEP = timedelta(seconds=5)
log = logging.getLogger(__name__)

# What is still to do at the market time `now`, for example "3 checks"; "" when there is nothing to wait for.
Hold = Callable[[datetime], str]
_holds: list[Hold] = []
# Whether something on the desk depends on every single session.
Follower = Callable[[], bool]
_followers: list[Follower] = []
# Told after each move.
_listeners: list[Callable[[], None]] = []


@dataclass(frozen=True, slots=True)
class ReplayState:
    """The session whose close is "now", the seconds per session at this speed, whether the replay has ended, and
    how it plays.

    waiting_for: what keeps it from moving on, for example "3 checks". moved_without: what it no longer waited for
    when it moved to this session, because REPLAY_MAX_WAIT was over. Both are "" when there is none."""

    session: date
    seconds_per_bar: float
    ended: bool
    waiting_for: str = ""
    moved_without: str = ""
    play: Play = PLAYING

    @property
    def version(self) -> str:
        """It changes with everything that a user may do to the replay, and with its session."""
        play = self.play
        parts = (
            "paused" * play.paused,
            f"{play.speed}x" * (play.speed > 1),
            f"to {play.jump_to}" if play.jump_to else "",
        )
        return " ".join(filter(None, (str(self.session), *parts)))


def wait_for(hold: Hold) -> None:
    """Register what the replay has to wait for before it moves to the next session."""
    if hold not in _holds:
        _holds.append(hold)


def follow(follower: Follower) -> None:
    """Register what depends on every session. While nothing does, a jump needs no session in between."""
    if follower not in _followers:
        _followers.append(follower)


def on_move(listener: Callable[[], None]) -> None:
    """Register what is called after each move."""
    if listener not in _listeners:
        _listeners.append(listener)


def start_date() -> date:
    """REPLAY_START as a date. Raises ImproperlyConfigured, naming the allowed dates."""
    try:
        start = date.fromisoformat(settings.REPLAY_START)
    except ValueError:
        start = date.min
    if not FIRST_SESSION <= start < LAST_SESSION:
        raise ImproperlyConfigured(
            f"REPLAY_START must be a date from {FIRST_SESSION} to {LAST_SESSION - timedelta(days=1)}, "
            f"written like 2010-01-04, not “{settings.REPLAY_START}”."
        )
    return start


def replay_state() -> ReplayState:
    """The current state of the replay; its first session before it is started."""
    market = ReplayMarket.objects.filter(pk=ROW).first()
    if market is None:
        return ReplayState(_session_from(start_date()), settings.REPLAY_SECONDS_PER_BAR, ended=False)
    play = _play_of(market)
    return ReplayState(
        session=market.session,
        seconds_per_bar=settings.REPLAY_SECONDS_PER_BAR / play.speed,
        ended=market.ended,
        waiting_for=market.waiting_for,
        moved_without=market.moved_without,
        play=play,
    )


def ensure_started(wall_now: datetime) -> None:
    """Start the replay at REPLAY_START, unless it is already started."""
    ReplayMarket.objects.get_or_create(pk=ROW, defaults=_shown(_session_from(start_date()), wall_now))


def restart(wall_now: datetime, start: date | None = None) -> None:
    """Set the replay back to its first session on or after `start`, REPLAY_START when it is None. It plays at
    once, as fast as before."""
    beginning = _shown(_session_from(start or start_date()), wall_now)
    ReplayMarket.objects.update_or_create(pk=ROW, defaults=beginning)


# --- Controls: each is one conditional UPDATE that returns whether something changed --------------------------


def pause() -> bool:
    """Stay at the session that is shown; a jump ends there. The work of the session is still done."""
    playing = ReplayMarket.objects.filter(pk=ROW, ended=False).exclude(paused=True, jump_to=None)
    return playing.update(paused=True, jump_to=None) == 1


def play(speed: int, wall_now: datetime) -> bool:
    """Play from here at this speed. What is shown is shown for its full time again; a jump ends."""
    other = ReplayMarket.objects.filter(pk=ROW, ended=False).exclude(paused=False, speed=speed, jump_to=None)
    return other.update(paused=False, speed=speed, jump_to=None, advanced_at=wall_now) == 1


def jump(session: date, wall_now: datetime) -> bool:
    """Run to this later session. A paused replay pauses there again."""
    earlier = ReplayMarket.objects.filter(pk=ROW, ended=False, session__lt=session).exclude(jump_to=session)
    return earlier.update(jump_to=session, advanced_at=wall_now) == 1


def advance(wall_now: datetime) -> bool:
    """Move the replay to the next session, once the current one has been shown for REPLAY_SECONDS_PER_BAR at its
    speed.

    It stays while a hold has something to do, for REPLAY_MAX_WAIT seconds at most. A late call still moves it by
    only one session, so that no bar is skipped; only a jump of a desk without followers is one step. The first
    call starts the replay. Returns whether it moved.
    """
    if settings.MARKET != "replay":
        return False
    market = ReplayMarket.objects.filter(pk=ROW).first()
    if market is None:
        ensure_started(wall_now)
        return False
    playing = _play_of(market)
    pace = playing.pace(settings.REPLAY_SECONDS_PER_BAR)
    if market.ended or playing.stands or not has_passed(market.advanced_at, pace, wall_now):
        return False
    # A control that is pressed in the meantime wins.
    shown = ReplayMarket.objects.filter(
        pk=ROW,
        session=market.session,
        advanced_at=market.advanced_at,
        paused=playing.paused,
        speed=playing.speed,
        jump_to=playing.jump_to,
    )
    waiting_for = _work_left(sessions.session_close(market.session))
    if waiting_for:
        step = min(wall_now - (market.asked_at or wall_now), LONGEST_STEP)
        waited = market.waited_seconds + max(step.total_seconds(), 0.0)
        if waited < settings.REPLAY_MAX_WAIT:
            shown.update(waiting_for=waiting_for, waited_seconds=waited, asked_at=wall_now)
            return False
        log.warning("The replay moves on after %.0f s without %s.", waited, waiting_for)
    following = _session_from(market.session + timedelta(days=1))
    session = playing.target(following, is_idle=playing.jump_to is not None and _is_idle())
    moved = {
        **_shown(session, shown_since(market.advanced_at + pace, pace, wall_now)),
        "ended": session >= LAST_SESSION,
        "moved_without": waiting_for,
        "paused": playing.paused,
        "jump_to": playing.still_to_jump(session),
    }
    if shown.update(**moved) != 1:
        return False
    for listener in _listeners:
        listener()
    return True


def is_hurrying() -> bool:
    """Whether the replay plays faster than beat asks it to move."""
    if settings.MARKET != "replay":
        return False
    fast = ReplayMarket.objects.filter(pk=ROW, ended=False).exclude(jump_to=None, speed=1)
    return fast.exclude(jump_to=None, paused=True).exists()


def session_on(day: date) -> date:
    """The first session on or after that day, within the samples."""
    return _session_from(day)


def _play_of(market: ReplayMarket) -> Play:
    return Play(market.paused, market.speed, market.jump_to)


def _is_idle() -> bool:
    try:
        return not any(follower() for follower in _followers)
    except Exception:
        # Then every session counts.
        log.exception("The replay could not find out whether something depends on its sessions.")
        return False


def _work_left(now: datetime) -> str:
    """What all holds have to do at this market time, in at most 200 characters."""
    return " and ".join(filter(None, (_ask(hold, now) for hold in _holds)))[:200]


def _ask(hold: Hold, now: datetime) -> str:
    try:
        return hold(now)
    except Exception:
        # It may have work, so the market waits, but not for ever.
        log.exception("The replay could not find out whether there is work left.")
        return "records that cannot be read"


def _shown(session: date, since: datetime) -> dict[str, object]:
    """The row of a replay that shows this session since then, plays and has not waited yet."""
    waiting = {"waiting_for": "", "waited_seconds": 0.0, "asked_at": None, "moved_without": ""}
    return {
        "session": session,
        "advanced_at": since,
        "ended": False,
        "paused": False,
        "jump_to": None,
        **waiting,
    }


def _session_from(day: date) -> date:
    """The first session on or after that day; LAST_SESSION if the samples have none."""
    later = sessions.sessions_between(day, LAST_SESSION)
    return later[0].item() if len(later) else LAST_SESSION
