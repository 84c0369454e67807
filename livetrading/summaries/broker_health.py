"""What the brokers tell the desk besides its orders, for its health: streams of updates, the calendar, the clock.

The desk trades without the streams, so a missing one is a note and never an illness.
"""

from datetime import datetime, timedelta

from django.conf import settings

from livetrading.models import MarketDay, TimeComparison
from livetrading.services.broker_time import ROW
from livetrading.services.trade_updates import connection_problems
from tradedesk.marketdata.sessions import NEW_YORK
from tradedesk.monitoring.findings import Finding, State

PARTS = ("trade_updates", "calendar", "clock")
# The lines for an operator, and the days in a sentence.
LINES, DAYS = 20, 4
# Seconds by which the clocks may differ: a bar is final a second after its end.
LARGEST = 2.0
# A comparison that is older says nothing of the clock, or of the next days.
OLD_CLOCK, OLD_CALENDAR = timedelta(hours=1), timedelta(days=3)
NOT_USED = Finding(State.OK, "Not compared: no broker is asked.")


def broker_findings(wall_now: datetime) -> dict[str, Finding]:
    """At most three queries."""
    if not settings.TRADES_AT_BROKERS:
        return {"trade_updates": Finding(State.OK, "None is needed."), "calendar": NOT_USED, "clock": NOT_USED}
    compared = TimeComparison.objects.filter(pk=ROW).first()
    today = wall_now.astimezone(NEW_YORK).date()
    return {
        "trade_updates": _streams(wall_now),
        "calendar": judge_calendar(compared, list(MarketDay.objects.filter(day__gte=today)), wall_now),
        "clock": judge_clock(compared, wall_now),
    }


def _streams(wall_now: datetime) -> Finding:
    problems = connection_problems(wall_now)
    if not problems:
        return Finding(State.OK, "None is needed.")
    missing = [f"Account {each.pk} ({each.name}): {problem}" for each, problem in problems.items() if problem]
    text = f"{len(problems) - len(missing)} of {len(problems)} streams connected."
    if not missing:
        return Finding(State.OK, text)
    lines = tuple(missing[:LINES])
    return Finding(State.NOTE, f"{text} Orders are looked at every few seconds all the same.", lines)


def judge_calendar(compared: TimeComparison | None, days: list[MarketDay], wall_now: datetime) -> Finding:
    """days: those of today and later on which the broker's calendar differs. Pure."""
    if compared is None or compared.calendar_at is None:
        return _not_compared(compared)
    if compared.doubt:
        text = f"The broker's calendar differs from the desk's and was not taken over. {compared.doubt}"
        return Finding(State.WARNING, text)
    if days:
        more = f" and {len(days) - DAYS} more" if len(days) > DAYS else ""
        which = f"{', '.join(map(_day, days[:DAYS]))}{more}"
        counts = "The broker's calendar counts." if settings.MARKET == "alpaca" else "The desk goes by its own."
        return Finding(State.WARNING, f"The broker's calendar differs from the installed one: {which}. {counts}")
    at = f"Compared with the broker's on {compared.calendar_at:%Y-%m-%d %H:%M} UTC."
    is_old = wall_now - compared.calendar_at > OLD_CALENDAR
    return Finding(State.NOTE, f"{at} {compared.error}".strip()) if is_old else Finding(State.OK, at)


def judge_clock(compared: TimeComparison | None, wall_now: datetime) -> Finding:
    """Pure."""
    if compared is None or compared.clock_at is None:
        return _not_compared(compared)
    if abs(wall_now - compared.clock_at) > OLD_CLOCK:
        at = f"Last compared with the broker's on {compared.clock_at:%Y-%m-%d %H:%M} UTC."
        return Finding(State.NOTE, f"{at} {compared.error}".strip())
    seconds = abs(compared.ahead)
    if seconds <= LARGEST:
        return Finding(State.OK, f"{seconds:.1f} s from the broker's.")
    which = "ahead of" if compared.ahead > 0 else "behind"
    return Finding(
        State.WARNING,
        f"The desk's clock is {seconds:,.1f} s {which} the broker's, so bars are read too "
        f"{'early' if compared.ahead > 0 else 'late'}. Correct the clock of this machine.",
    )


def _not_compared(compared: TimeComparison | None) -> Finding:
    return Finding(State.OK, f"Not compared yet. {compared.error if compared else ''}".strip())


def _day(row: MarketDay) -> str:
    if row.opens is None or row.closes is None:
        return f"{row.day} closed"
    opens, closes = row.opens.astimezone(NEW_YORK), row.closes.astimezone(NEW_YORK)
    return f"{row.day} from {opens:%H:%M} to {closes:%H:%M}"
