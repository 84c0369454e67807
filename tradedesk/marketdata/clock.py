"""The market's clock: the wall's on the real market, the replay's otherwise."""

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings

from tradedesk.core.clock import Clock, SystemClock
from tradedesk.marketdata import sessions
from tradedesk.marketdata.replay import replay_state


class ReplayClock:
    """Stands at the close of the session that the replay shows, and moves only when the replay does."""

    def now(self) -> datetime:
        return sessions.session_close(replay_state().session)


@dataclass(frozen=True, slots=True)
class MarketStatus:
    """What a page says about the market. session, seconds_per_bar and ended mean the replay; a replay that has
    not ended counts as open."""

    kind: str
    is_open: bool
    session: date | None = None
    seconds_per_bar: float | None = None
    ended: bool = False

    def __str__(self) -> str:
        if self.kind == "real":
            return f"US market {'open' if self.is_open else 'closed'}"
        pace = "ended" if self.ended else f"1 session = {self.seconds_per_bar:g} s"
        return f"Replay market · {self.session} · {pace}"


def market_clock() -> Clock:
    """The clock that a door asks once and then passes on as `now`."""
    return ReplayClock() if settings.MARKET == "replay" else SystemClock()


def market_status() -> MarketStatus:
    if settings.MARKET == "replay":
        state = replay_state()
        return MarketStatus("replay", not state.ended, state.session, state.seconds_per_bar, state.ended)
    return MarketStatus("real", sessions.is_open(market_clock().now()))
