"""The market's clock: the wall clock on the real market, otherwise the clock of the replay."""

from dataclasses import dataclass, field
from datetime import date, datetime

from django.conf import settings
from django.utils import timezone

from tradedesk.core.clock import Clock, SystemClock
from tradedesk.marketdata import broker_days, sessions
from tradedesk.marketdata.pacing import PLAYING, Play
from tradedesk.marketdata.replay import replay_state

# Said on every page, because a price of one exchange is not the price of the market.
SOURCES = {"iex": "IEX prices", "sip": "SIP prices"}


class ReplayClock:
    """Gives the close of the session that the replay shows."""

    def now(self) -> datetime:
        return sessions.session_close(replay_state().session)


@dataclass(frozen=True, slots=True)
class MarketStatus:
    """The market's state for a page. session and everything below are those of the replay, which is open until it
    has ended (replay.ReplayState)."""

    kind: str
    is_open: bool
    session: date | None = None
    seconds_per_bar: float | None = None
    ended: bool = False
    waiting_for: str = ""
    moved_without: str = ""
    play: Play = PLAYING
    # What the prices are, for example "IEX prices"; "" for bars that were imported.
    source: str = ""
    # The market's time.
    now: datetime | None = field(default=None, compare=False)

    @property
    def headline(self) -> str:
        """The state in two words, for the top bar."""
        if self.kind != "replay":
            return f"Market {'open' if self.is_open else 'closed'}"
        waits = self.state == "playing" and self.waiting_for
        return f"Replay · {'waiting' if waits else self.state}"

    @property
    def state(self) -> str:
        """Of a replay, in one word."""
        if self.ended:
            return "ended"
        if self.play.jump_to:
            return "jumping"
        return "paused" if self.play.paused else "playing"

    def __str__(self) -> str:
        if self.kind != "replay":
            source = f" · {self.source}" if self.source else ""
            return f"US market {'open' if self.is_open else 'closed'}{source}"
        parts = ["Replay market", str(self.session)]
        if self.ended:
            parts.append("ended")
        elif self.play.jump_to:
            parts.append(f"running to {self.play.jump_to}")
        elif self.play.paused:
            parts.append("paused")
        elif self.waiting_for:
            parts.append(f"waiting for {self.waiting_for}")
        else:
            parts.append(f"1 session = {self.seconds_per_bar:g} s")
        if self.moved_without:
            parts.append(f"moved on without {self.moved_without}")
        return " · ".join(parts)


def market_clock() -> Clock:
    """The clock that an entry point reads once; it passes the time on as `now`. The calendar it is held against is
    that of the broker from here on."""
    broker_days.take_over()
    return ReplayClock() if settings.MARKET == "replay" else SystemClock()


def read_clocks() -> tuple[datetime, datetime]:
    """The market's time and the wall time, for an entry point that needs both."""
    return market_clock().now(), timezone.now()


def market_status() -> MarketStatus:
    if settings.MARKET == "replay":
        state = replay_state()
        return MarketStatus(
            "replay",
            not state.ended,
            state.session,
            state.seconds_per_bar,
            state.ended,
            state.waiting_for,
            state.moved_without,
            state.play,
            now=sessions.session_close(state.session),
        )
    source = SOURCES[settings.ALPACA_FEED] if settings.MARKET == "alpaca" else ""
    now = market_clock().now()
    return MarketStatus(settings.MARKET, sessions.is_open(now), source=source, now=now)
