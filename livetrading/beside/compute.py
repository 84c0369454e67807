"""Computing the comparison of a live strategy with the backtest of its stretch: claim, compute, store.

A claim is one conditional UPDATE; a worker that dies leaves one that others take over. After three claims without
a result it waits for the next session.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import F, Q, QuerySet

from backtests.engine.progress import Progress, Stopped
from backtests.services.failures import READABLE, reason_of
from backtests.services.lease import LeaseLost, with_heartbeat
from livetrading.beside.expectation import as_json, kept_or_read
from livetrading.beside.figures import Compared, compare, place_text
from livetrading.beside.stretch import (
    Stretch,
    costs_of,
    load_stretch,
    run_stretch,
    tested_costs,
    traded_rules,
)
from livetrading.beside.watch import note_place
from livetrading.models import ComparedFill, Comparison, LiveStrategy
from livetrading.models.live_strategy import CHECKED
from tradedesk.accounts.changes import bump_version
from tradedesk.core.rules import Costs
from tradedesk.marketdata import sessions
from tradedesk.marketdata.quotes import market_day
from tradedesk.wall_time import is_older

log = logging.getLogger(__name__)

# A worker renews its claim every second.
CLAIM = timedelta(seconds=60)
MAX_ATTEMPTS = 3
TOO_MANY_ATTEMPTS = f"The worker stopped {MAX_ATTEMPTS} times while it computed this. It tries again next session."
# Wall time of one computation, and after which a run begins no further one.
LONGEST, RUN = timedelta(seconds=60), timedelta(seconds=5)
TOO_LONG = f"The backtest took longer than {LONGEST.seconds} s and was stopped. It tries again next session."
# Dollars: less is no trade.
LEAST = Decimal("0.00001")
# The fills that are stored, the newest ones; all are counted.
STORED_FILLS = 2000


def compute_due(now: datetime, wall_clock: Callable[[], datetime]) -> int:
    """Compute what is due, the one that waits longest first, until RUN is over. Returns the number."""
    began, done = wall_clock(), 0
    for pk in due(now, wall_clock()).values_list("pk", flat=True)[:100]:
        if wall_clock() - began >= RUN:
            break
        done += compute(pk, now, wall_clock)
    return done


def due(now: datetime, wall_now: datetime) -> "QuerySet[LiveStrategy]":
    """Those whose last session or whose trades are not compared yet, as far as a check has seen them; of stopped
    ones until their last check."""
    # On a fast replay the last session may be over as soon as its check is made, so the one before counts too.
    seen = [sessions.closes_before(now, number) for number in (0, 1)]
    fresh = Q(comparison=None) | Q(comparison__session=None)
    for close in seen:
        fresh |= Q(last_check_at__gte=close, comparison__session__lt=market_day(close))
    # SQLite keeps dollars as floats.
    traded = Q(comparison__realized_pnl__lt=F("realized_pnl") - LEAST) | Q(
        comparison__realized_pnl__gt=F("realized_pnl") + LEAST
    )
    stopped = ~Q(status__in=CHECKED) & (Q(comparison=None) | traded | Q(comparison__as_of__lt=F("last_check_at")))
    claimed = Q(comparison__claimed_at__isnull=False) & ~is_older("comparison__claimed_at", wall_now, CLAIM)
    checked = Q(status__in=CHECKED) & (fresh | traded)
    rows = LiveStrategy.objects.filter(checked | stopped, last_check_at__isnull=False)
    return rows.exclude(claimed).order_by(F("comparison__computed_at").asc(nulls_first=True), "pk")


def compute(pk: int, now: datetime, wall_clock: Callable[[], datetime]) -> bool:
    """Whether this worker had it. One strategy's trouble is its own: it is stored as a sentence."""
    related = ("account", "user", "backtest", "candidate__run")
    live = LiveStrategy.objects.select_related(*related).filter(pk=pk).first()
    if live is None or (claim := _Claim.take(live, wall_clock)) is None:
        return False
    until = min(now, live.last_check_at or now)
    session = market_day(sessions.previous_close(until))
    began = time.perf_counter()
    try:
        if claim.attempts > MAX_ATTEMPTS:
            claim.end(error=TOO_MANY_ATTEMPTS, session=session, realized_pnl=live.realized_pnl)
            return True
        stretch, costs = _stretch(live, until, claim)
        expected = kept_or_read(live, Comparison.objects.values_list("expected", flat=True).get(pk=claim.pk))
        compared = compare(live, stretch, expected, costs.slippage_bps, tested_costs(live).slippage_bps)
        took = timedelta(seconds=time.perf_counter() - began)
        _store(claim, live, compared, session=session, as_of=until, took=took, expected=as_json(expected))
        bump_version(live.user_id)
        # Outside the transaction of the figures: an alarm that fails leaves them, and the next run tells it.
        if compared.place is not None:
            note_place(live, compared.place, place_text(compared.figures), now, wall_clock())
    except LeaseLost:
        log.info("The comparison of live strategy %s was given to another worker or deleted", pk)
    except DatabaseError:
        raise  # the claim ends by itself
    except Stopped:
        claim.end(error=TOO_LONG, session=session, realized_pnl=live.realized_pnl)
    except Exception as error:
        text = str(error) if isinstance(error, READABLE) else reason_of(error, "comparison of live strategy", pk)
        claim.end(error=text[:300], session=session, realized_pnl=live.realized_pnl)
    return True


@dataclass(slots=True)
class _Claim:
    pk: int
    at: datetime
    attempts: int
    wall_clock: Callable[[], datetime]

    @classmethod
    def take(cls, live: LiveStrategy, wall_clock: Callable[[], datetime]) -> "_Claim | None":
        row, _ = Comparison.objects.get_or_create(live_strategy=live)
        now = wall_clock()
        free = Q(claimed_at=None) | is_older("claimed_at", now, CLAIM)
        if not Comparison.objects.filter(free, pk=row.pk).update(claimed_at=now, attempts=F("attempts") + 1):
            return None
        attempts = Comparison.objects.values_list("attempts", flat=True).get(pk=row.pk)
        return cls(row.pk, now, attempts, wall_clock)

    def renew(self) -> None:
        """Raises LeaseLost."""
        now = self.wall_clock()
        self.write(claimed_at=now)
        self.at = now

    def end(self, **values: Any) -> None:
        """Write the result and give the claim back. Raises LeaseLost."""
        self.write(claimed_at=None, attempts=0, computed_at=self.wall_clock(), **values)

    def write(self, **values: Any) -> None:
        if Comparison.objects.filter(pk=self.pk, claimed_at=self.at).update(**values) != 1:
            raise LeaseLost


def _stretch(live: LiveStrategy, until: datetime, claim: _Claim) -> tuple[Stretch, Costs]:
    """Raises LeaseLost, and Stopped when it takes too long."""
    bars, start = load_stretch(live, until)
    costs = costs_of(live)
    rules, capital = traded_rules(live), float(live.starting_equity)
    work = run_stretch(live.make_kind(), live.timeframe, bars, start, capital, rules, costs)
    progress, began = Progress(), claim.wall_clock()

    def heartbeat() -> None:
        try:
            claim.renew()
        except LeaseLost:
            progress.stop()
            raise
        if claim.wall_clock() - began > LONGEST:
            progress.stop()

    return with_heartbeat(lambda: work(progress), heartbeat), costs


def _store(claim: _Claim, live: LiveStrategy, compared: Compared, **values: Any) -> None:
    """The figures, the curves and the newest fills, together."""
    first = max(0, len(compared.fills) - STORED_FILLS)
    with transaction.atomic():
        claim.end(
            realized_pnl=live.realized_pnl,
            error="",
            figures=compared.figures,
            columns=compared.columns,
            **values,
        )
        ComparedFill.objects.filter(comparison=claim.pk).delete()
        rows = [
            ComparedFill(comparison_id=claim.pk, number=number, **values)
            for number, values in enumerate(compared.fills[first:], first + 1)
        ]
        ComparedFill.objects.bulk_create(rows, batch_size=500)
