"""The replay market: plays the sample sessions one after another, as if each closed now."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tradedesk.marketdata import sessions
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.samples import FIRST_SESSION, LAST_SESSION

ROW = 1


@dataclass(frozen=True, slots=True)
class ReplayState:
    """The session whose close is "now", the seconds per session, and whether the replay has ended."""

    session: date
    seconds_per_bar: float
    ended: bool


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
    )


def ensure_started(wall_now: datetime) -> None:
    """Start the replay at REPLAY_START, unless it is already started."""
    ReplayMarket.objects.get_or_create(pk=ROW, defaults=_beginning(wall_now))


def restart(wall_now: datetime) -> None:
    """Set the replay back to REPLAY_START."""
    ReplayMarket.objects.update_or_create(pk=ROW, defaults=_beginning(wall_now))


def advance(wall_now: datetime) -> bool:
    """Move the replay to the next session, once the current one has been shown for REPLAY_SECONDS_PER_BAR.

    A late call still moves it by only one session, so that no bar is skipped. The first call starts the replay.
    Returns whether it moved.
    """
    if settings.MARKET != "replay":
        return False
    market = ReplayMarket.objects.filter(pk=ROW).first()
    if market is None:
        ensure_started(wall_now)
        return False
    pace = timedelta(seconds=settings.REPLAY_SECONDS_PER_BAR)
    due = market.advanced_at + pace
    if market.ended or wall_now < due:
        return False
    # A slightly late call does not slow the replay down; after a stop it continues without catching up.
    shown_since = due if wall_now < due + pace else wall_now
    session = _session_from(market.session + timedelta(days=1))
    changed_rows = ReplayMarket.objects.filter(
        pk=ROW, session=market.session, advanced_at=market.advanced_at
    ).update(session=session, advanced_at=shown_since, ended=session >= LAST_SESSION)
    return changed_rows == 1


def _beginning(wall_now: datetime) -> dict[str, object]:
    return {"session": _session_from(start_date()), "advanced_at": wall_now, "ended": False}


def _session_from(day: date) -> date:
    """The first session on or after that day; LAST_SESSION if the samples have none."""
    later = sessions.sessions_between(day, LAST_SESSION)
    return later[0].item() if len(later) else LAST_SESSION
