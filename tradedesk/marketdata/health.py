"""Whether the market moves, and its last session."""

from datetime import datetime, timedelta

from django.conf import settings

from tradedesk.core.clock import SystemClock
from tradedesk.marketdata import sessions
from tradedesk.marketdata.models import ReplayMarket
from tradedesk.marketdata.replay import ROW
from tradedesk.monitoring.findings import Finding, State
from tradedesk.monitoring.pulse import MAX_AHEAD

# Beat asks the replay every second to move on. It has stopped when nobody has asked for so long.
STANDSTILL = timedelta(seconds=30)


def market_findings(wall_now: datetime) -> dict[str, Finding]:
    if settings.MARKET == "replay":
        return {"market": judge_replay(ReplayMarket.objects.filter(pk=ROW).first(), wall_now)}
    now = SystemClock().now()
    state = "open" if sessions.is_open(now) else "closed"
    closed = sessions.previous_close(now).astimezone(sessions.NEW_YORK)
    return {"market": Finding(State.OK, f"US market {state}. The last session closed on {closed:%Y-%m-%d}.")}


def judge_replay(market: ReplayMarket | None, wall_now: datetime) -> Finding:
    """market: the row of the replay; None before the first start."""
    if market is None:
        return Finding(State.ERROR, "The replay market has not started. Start beat and a worker.")
    session = f"Replay market, session {market.session}"
    if market.ended:
        return Finding(State.NOTE, f"{session}, the last one. Start it again: manage.py reset_replay")
    if (market.advanced_at - wall_now).total_seconds() > MAX_AHEAD:
        return Finding(State.ERROR, f"{session}. It stands still, because a clock went back. Correct the clocks.")
    due = market.advanced_at + timedelta(seconds=settings.REPLAY_SECONDS_PER_BAR)
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
