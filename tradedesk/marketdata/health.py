"""Whether the market moves, and its last session."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from tradedesk.core.bars import Timeframe
from tradedesk.core.clock import SystemClock
from tradedesk.marketdata import sessions
from tradedesk.marketdata.feed_state import FAILING
from tradedesk.marketdata.models import BarUpdate, ReplayMarket
from tradedesk.marketdata.pacing import Play
from tradedesk.marketdata.replay import ROW
from tradedesk.marketdata.updating import close_of, last_final
from tradedesk.monitoring.findings import Finding, State
from tradedesk.monitoring.pulse import MAX_AHEAD

# Beat asks the replay every second to move on. It has stopped when nobody has asked for so long.
STANDSTILL = timedelta(seconds=30)
# From so many bars and this time on, no bar is ill. Of days, this time after the bar is final.
SILENT_BARS, LEAST_SILENCE = 2, timedelta(minutes=5)
LATE_DAY = timedelta(hours=1)
ASK = "Look at Alpaca's status page and at ALPACA_FEED."


def market_findings(wall_now: datetime) -> dict[str, Finding]:
    if settings.MARKET == "replay":
        return {"market": judge_replay(ReplayMarket.objects.filter(pk=ROW).first(), wall_now)}
    if settings.MARKET == "alpaca":
        return {"market": judge_updates(list(BarUpdate.objects.all()), wall_now)}
    return {"market": Finding(State.OK, _hours())}


def judge_updates(updates: Sequence[BarUpdate], wall_now: datetime) -> Finding:
    """Of bars that come from a feed: the market's hours, and whether the series in use are kept up to date."""
    lines = tuple(_line(update) for update in updates)
    failing = [update for update in updates if update.failures >= FAILING]
    if shared := next((update for update in failing if update.owner_id is None), None):
        return Finding(State.ERROR, f"{_hours()} The market data fails, so entries stop: {shared.error}", lines)
    late = [each for each in updates if wall_now - max(each.due_at, each.leased_until or each.due_at) > STANDSTILL]
    if late:
        return Finding(State.ERROR, f"{_hours()} Nobody asks for new bars. Restart beat and worker.", lines)
    if silent := next((each for each in updates if each.owner_id is None and is_silent(each, wall_now)), None):
        text = f"{_hours()} No new {silent.timeframe} bars arrive, so entries stop. {silent.error or ASK}"
        # One symbol alone may not have traded.
        return Finding(State.ERROR if silent.symbols > 1 else State.WARNING, text, lines)
    if refused := next((update for update in updates if update.owner_id is None and update.error), None):
        return Finding(State.WARNING, f"{_hours()} Not all bars are stored: {refused.error}", lines)
    if failing or any(is_silent(update, wall_now) for update in updates):
        # With the keys of single users, who see why on their data page.
        return Finding(State.WARNING, f"{_hours()} The market data of single users fails.", lines)
    return Finding(State.OK, _hours(), lines)


def is_silent(update: BarUpdate, wall_now: datetime) -> bool:
    """Whether several bars are final of which the desk has none: the source answers, and has no new bars, or none
    can be stored."""
    length = timedelta(minutes=Timeframe(update.timeframe).minutes)
    patience = LATE_DAY if Timeframe(update.timeframe).is_dated else SILENT_BARS * length + LEAST_SILENCE
    if update.newest_close is None:
        return False  # there was no turn yet
    due = last_final(update.timeframe, wall_now - patience)
    return update.newest_close < close_of(due, update.timeframe)


def _line(update: BarUpdate) -> str:
    delay = f", the newest stored {update.delay_text} after its close" if update.delay_text else ""
    whose = "all users" if update.owner_id is None else f"user {update.owner_id}"
    error = f". {update.error}" if update.error else ""
    return f"{update.timeframe} bars of {whose}: {update.symbols:,} series{delay}{error}"


def _hours() -> str:
    now = SystemClock().now()
    state = "open" if sessions.is_open(now) else "closed"
    closed = sessions.previous_close(now).astimezone(sessions.NEW_YORK)
    return f"US market {state}. The last session closed on {closed:%Y-%m-%d}."


def judge_replay(market: ReplayMarket | None, wall_now: datetime) -> Finding:
    """market: the row of the replay; None before the first start."""
    if market is None:
        return Finding(State.ERROR, "The replay market has not started. Start beat and a worker.")
    session = f"Replay market, session {market.session}"
    if market.ended:
        return Finding(
            State.NOTE, f"{session}, the last one. Restart it in the top bar, or with manage.py reset_replay"
        )
    if (market.advanced_at - wall_now).total_seconds() > MAX_AHEAD:
        return Finding(State.ERROR, f"{session}. It stands still, because a clock went back. Correct the clocks.")
    play = Play(market.paused, market.speed, market.jump_to)
    if play.stands:
        return Finding(State.OK, f"{session}, paused.")
    due = market.advanced_at + play.pace(settings.REPLAY_SECONDS_PER_BAR)
    asked = max(due, market.asked_at or due)
    if wall_now - asked > STANDSTILL:
        seconds = (wall_now - asked).total_seconds()
        return Finding(
            State.ERROR, f"{session}. It has stood still for {seconds:,.0f} s. Restart beat and worker."
        )
    if market.waiting_for and market.waited_seconds > STANDSTILL.total_seconds():
        text = f"{session}. It has waited for {market.waiting_for} for {market.waited_seconds:,.0f} s."
        return Finding(State.ERROR, text)
    return Finding(State.OK, f"{session}.")
