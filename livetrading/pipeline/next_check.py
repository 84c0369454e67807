"""When a live strategy is checked again. Pure.

A check interval as long as a bar, or longer, would miss bars: then the check follows the bars. It comes at the
close of each bar, later by the delay of the feed, and again after a quarter of a bar until that bar has arrived.
New bars of a feed make a check due at once (services/arrivals.py).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from livetrading.models import LiveStrategy
from livetrading.pipeline.validity import close_of
from tradedesk.core.bars import Timeframe
from tradedesk.marketdata import sessions
from tradedesk.marketdata.feed_state import delivery_delay

# How often in the length of a bar a check looks for one that is late.
LOOKS = 4


def next_check(live: LiveStrategy, oldest: datetime | None, now: datetime) -> datetime:
    """The time of the next check: after check_interval, at the close of the next bar where it follows the bars, or
    later while the market is closed and no new bar can arrive.

    oldest: time of the oldest among the newest bars of all symbols. A symbol that lags behind can still receive
    its bar.
    """
    soon = now + timedelta(seconds=live.check_interval)
    if oldest is None:
        return soon
    if follows_bars(live.check_interval, live.timeframe):
        length = timedelta(minutes=Timeframe(live.timeframe).minutes)
        soon = min(soon, _look(oldest, length, delivery_delay(live.timeframe), now))
    if sessions.is_open(soon):
        return soon
    if close_of(oldest, live.timeframe) < sessions.previous_bar_close(soon, live.timeframe):
        return soon  # the last bar has not arrived yet
    dated = Timeframe(live.timeframe).is_dated
    if not dated:
        return sessions.next_open(soon)
    return sessions.next_bar_close(soon, live.timeframe) + delivery_delay(live.timeframe)


@dataclass(slots=True)
class NextChecks:
    """The times of the next checks of a set at `now`: most of its strategies have the same."""

    now: datetime
    known: dict[tuple[int, str, datetime | None], datetime] = field(default_factory=dict)

    def of(self, live: LiveStrategy, oldest: datetime | None) -> datetime:
        key = (live.check_interval, live.timeframe, oldest)
        if key not in self.known:
            self.known[key] = next_check(live, oldest, self.now)
        return self.known[key]


def follows_bars(check_interval: int, timeframe: str) -> bool:
    """Whether checks come at the close of the bars, because this interval (seconds) is not shorter than a bar."""
    return check_interval >= Timeframe(timeframe).minutes * 60


def _look(oldest: datetime, length: timedelta, delay: timedelta, now: datetime) -> datetime:
    """When the bar that is traded now has arrived, once the bar before it is there; else a quarter of a bar from
    now. oldest: the time of the newest bar that is there; length: of a bar; delay: of the feed after its close."""
    closing = oldest + 2 * length + delay
    return closing if closing > now else now + length / LOOKS
