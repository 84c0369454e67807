"""The replay market: plays the sample sessions one after another, as if each closed now.

It waits for the work of each session: what has registered with `wait_for` says what is still to do.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tradedesk.marketdata import sessions
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.samples import FIRST_SESSION, LAST_SESSION
from tradedesk.wall_time import has_passed

ROW = 1
# The market asks every second while it waits. A longer pause means that the desk was stopped, which is no waiting.
LONGEST_STEP = timedelta(seconds=5)
log = logging.getLogger(__name__)

# What is still to do at the market time `now`, for example "3 checks"; "" when there is nothing to wait for.
Hold = Callable[[datetime], str]
_holds: list[Hold] = []


@dataclass(frozen=True, slots=True)
class ReplayState:
    """The session whose close is "now", the seconds per session, and whether the replay has ended.

    waiting_for: what keeps it from moving on, for example "3 checks". moved_without: what it no longer waited for
    when it moved to this session, because REPLAY_MAX_WAIT was over. Both are "" when there is none."""

    session: date
    seconds_per_bar: float
    ended: bool
    waiting_for: str = ""
    moved_without: str = ""


def wait_for(hold: Hold) -> None:
    """Register what the replay has to wait for before it moves to the next session."""
    if hold not in _holds:
        _holds.append(hold)


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
    return ReplayState(
        session=market.session if market else _session_from(start_date()),
        seconds_per_bar=settings.REPLAY_SECONDS_PER_BAR,
        ended=market.ended if market else False,
        waiting_for=market.waiting_for if market else "",
        moved_without=market.moved_without if market else "",
    )


def ensure_started(wall_now: datetime) -> None:
    """Start the replay at REPLAY_START, unless it is already started."""
    ReplayMarket.objects.get_or_create(pk=ROW, defaults=_beginning(wall_now))


def restart(wall_now: datetime) -> None:
    """Set the replay back to REPLAY_START."""
    ReplayMarket.objects.update_or_create(pk=ROW, defaults=_beginning(wall_now))


def advance(wall_now: datetime) -> bool:
    """Move the replay to the next session, once the current one has been shown for REPLAY_SECONDS_PER_BAR.

    It stays while a hold has something to do, for REPLAY_MAX_WAIT seconds at most. A late call still moves it by
    only one session, so that no bar is skipped. The first call starts the replay. Returns whether it moved.
    """
    if settings.MARKET != "replay":
        return False
    market = ReplayMarket.objects.filter(pk=ROW).first()
    if market is None:
        ensure_started(wall_now)
        return False
    pace = timedelta(seconds=settings.REPLAY_SECONDS_PER_BAR)
    due = market.advanced_at + pace
    if market.ended or not has_passed(market.advanced_at, pace, wall_now):
        return False
    shown = ReplayMarket.objects.filter(pk=ROW, session=market.session, advanced_at=market.advanced_at)
    waiting_for = _work_left(sessions.session_close(market.session))
    if waiting_for:
        step = min(wall_now - (market.asked_at or wall_now), LONGEST_STEP)
        waited = market.waited_seconds + max(step.total_seconds(), 0.0)
        if waited < settings.REPLAY_MAX_WAIT:
            shown.update(waiting_for=waiting_for, waited_seconds=waited, asked_at=wall_now)
            return False
        log.warning("The replay moves on after %.0f s without %s.", waited, waiting_for)
    # A slightly late call does not slow the replay down; after a stop it continues without catching up.
    shown_since = due if due <= wall_now < due + pace else wall_now
    session = _session_from(market.session + timedelta(days=1))
    moved = {**_shown(session, shown_since), "ended": session >= LAST_SESSION, "moved_without": waiting_for}
    return shown.update(**moved) == 1


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


def _beginning(wall_now: datetime) -> dict[str, object]:
    return _shown(_session_from(start_date()), wall_now)


def _shown(session: date, since: datetime) -> dict[str, object]:
    """The row of a replay that shows this session since then and has not waited yet."""
    waiting = {"waiting_for": "", "waited_seconds": 0.0, "asked_at": None, "moved_without": ""}
    return {"session": session, "advanced_at": since, "ended": False, **waiting}


def _session_from(day: date) -> date:
    """The first session on or after that day; LAST_SESSION if the samples have none."""
    later = sessions.sessions_between(day, LAST_SESSION)
    return later[0].item() if len(later) else LAST_SESSION
