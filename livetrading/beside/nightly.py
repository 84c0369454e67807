"""Every night the decisions of the session before are made again, for every deployment: what is due, and what is
stored.

The work is what has no row yet, so a worker that dies loses one strategy's session and another one does it; two at
once store it once. A run takes a bounded time, and one strategy's trouble is a sentence in its own row.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Q

from backtests.services.failures import reason_of
from livetrading.beside.again import NotNow, decide_again
from livetrading.beside.causes import Difference
from livetrading.beside.fills import check_fills
from livetrading.beside.stretch import costs_of
from livetrading.models import DecisionDifference, DecisionReplay, LiveStrategy
from livetrading.models.live_strategy import CHECKED
from livetrading.pipeline.kind_code import KindFailed
from livetrading.pipeline.record import KEPT
from livetrading.services.replay_hold import unfinished_work
from tradedesk.accounts.changes import bump_version
from tradedesk.marketdata import sessions
from tradedesk.marketdata.quotes import market_day
from tradedesk.notifications.events import Event
from tradedesk.notifications.services import notify

log = logging.getLogger(__name__)

# Market time after the close: by 02:00 in New York corrections of the day have arrived. On the replay it is over
# when the next session has closed.
NIGHT = timedelta(hours=10)
# Sessions that are looked at after a pause of the desk; older ones are left out.
LOOK_BACK = 10
# Wall time after which a run begins no further strategy.
RUN = timedelta(seconds=5)
# The differences of one session that are stored; all are counted.
STORED = 100
ROWS_OF_A_RUN = 1000


def replay_due(now: datetime, wall_clock: Callable[[], datetime], *, ended: bool = False) -> int:
    """Replay what is due, the oldest session first, until RUN is over. Returns the number. ended: whether the
    replay market has played its last session, after which no later moment comes."""
    began, done = wall_clock(), 0
    night = timedelta(0) if ended and not unfinished_work(now) else NIGHT
    for pk, session in _due(now, night):
        if wall_clock() - began >= RUN:
            break
        done += replay_session(pk, session, now, wall_clock)
    return done


def replay_session(pk: int, session: date, now: datetime, wall_clock: Callable[[], datetime]) -> bool:
    """Whether its row was written now."""
    live = (
        LiveStrategy.objects.select_related("account", "user", "backtest", "candidate__run").filter(pk=pk).first()
    )
    if live is None:
        return False
    began = time.perf_counter()
    row = DecisionReplay(
        live_strategy=live,
        session=session,
        replayed_at=now,
        replayed_wall_at=wall_clock(),
        kept_until=now + KEPT,
    )
    found = list[Difference]()
    try:
        row.decisions, found, evaluation = decide_again(live, session)
        row.identical = row.decisions - len(found)
        fills = check_fills(live, session, evaluation.history, costs_of(live))
        row.fills, row.fills_as_expected = fills.checked, fills.checked - len(fills.differences)
        found = found + fills.differences
    except (NotNow, DatabaseError):
        return False
    except KindFailed as error:
        row.error = f"The strategy's code failed: {error}"[:300]
    except Exception as error:
        row.error = reason_of(error, "replay of live strategy", pk)[:300]
    row.took = timedelta(seconds=time.perf_counter() - began)
    return _store(live, row, found, now)


def delete_old_replays(now: datetime) -> int:
    """Delete what was kept long enough at the market time `now`; ROWS_OF_A_RUN at most. Returns the number of
    rows."""
    old = DecisionReplay.objects.filter(kept_until__lt=now).order_by("kept_until").values_list("pk", flat=True)
    deleted, _ = DecisionReplay.objects.filter(pk__in=list(old[:ROWS_OF_A_RUN])).delete()
    return deleted


def _due(now: datetime, night: timedelta) -> Iterator[tuple[int, date]]:
    """One query for each of the last sessions."""
    today = market_day(now)
    days: list[date] = sessions.sessions_between(today - timedelta(days=4 * LOOK_BACK), today).tolist()
    past = [day for day in days if sessions.session_close(day) + night <= now][-LOOK_BACK:]
    for session in past:
        running = Q(status__in=CHECKED) | Q(last_check_at__gte=sessions.daily_time(session))
        rows = LiveStrategy.objects.filter(running, deployed_at__lte=sessions.session_close(session))
        missing = rows.exclude(pk__in=DecisionReplay.objects.filter(session=session).values("live_strategy"))
        for pk in missing.order_by("pk").values_list("pk", flat=True):
            yield pk, session


def _store(live: LiveStrategy, row: DecisionReplay, found: list[Difference], now: datetime) -> bool:
    with transaction.atomic():
        # Locked, so that a reset or a deletion waits and then takes the rows too.
        if not LiveStrategy.objects.select_for_update(of=("self",)).filter(pk=live.pk).exists():
            return False
        if DecisionReplay.objects.filter(live_strategy=live, session=row.session).exists():
            return False
        row.save(force_insert=True)
        DecisionDifference.objects.bulk_create(
            DecisionDifference(
                replay=row,
                symbol=each.symbol,
                bar_time=each.bar_time,
                cause=each.cause,
                text=each.text[:300],
                evidence={"then": each.then, "now": each.now},
            )
            for each in found[:STORED]
        )
        if row.decisions > row.identical:
            text = f"“{live.name}”, {row.session}: {text_of(row)}. {causes_of(found)}"
            url = f"/dashboard/live-trading/{live.pk}/decisions"
            notify(live.user, Event.DECISIONS_DIFFER, text, url, now)
    bump_version(live.user_id)
    return True


def text_of(row: DecisionReplay) -> str:
    return f"{row.identical:,} of {row.decisions:,} decisions identical"


def causes_of(found: list[Difference]) -> str:
    """Such as "Late check: 2. Broker's price: 1."."""
    counts = Counter(each.cause for each in found)
    return " ".join(f"{cause.label}: {counts[cause]}." for cause in DecisionDifference.Cause if counts[cause])
