"""Across the strategies and accounts of a user, in one mode: contribution, correlation, exposure and costs."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Abs
from numpy.typing import NDArray

from livetrading.models import BrokerAccount, DailySummary, LiveStrategy, StrategySession
from livetrading.summaries.analysis import starting_equity
from tradedesk.accounts.models import User
from tradedesk.core.bars import Floats
from tradedesk.core.co_movement import Correlation, correlations
from tradedesk.core.metrics import SESSIONS_PER_YEAR, is_yearly, measure, session_returns
from tradedesk.marketdata.sessions import daily_times, sessions_between

ZERO = Decimal(0)
# Three years; of older sessions only the P&L counts, in the equity.
SESSIONS = 756
CONTRIBUTIONS, COMPARED, MONTHS = 50, 8, 24
Days = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Contribution:
    """Dollars. live: None for the trades without a strategy. share: of the sum of all, None when that is zero.
    total: realized and open, as of the strategy's last check."""

    live: LiveStrategy | None
    realized: Decimal
    share: float | None
    total: Decimal | None


@dataclass(frozen=True, slots=True)
class AccountLine:
    """Dollars. realized: of the account's strategies."""

    account: BrokerAccount
    realized: Decimal
    strategies: int


@dataclass(frozen=True, slots=True)
class Contributions:
    """rows: the largest gains and losses, by their P&L. left_out: the strategies with a smaller one."""

    rows: list[Contribution]
    left_out: int
    realized: Decimal
    accounts: list[AccountLine]

    @property
    def widest(self) -> float:
        return max((float(abs(row.realized)) for row in self.rows), default=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """Columns (n,), a row for each session of the exchange from the first to the last with a summary: its P&L in
    dollars, the equity at its close (starting equity and all P&L so far), and the market value that was held, NaN
    where it was not kept."""

    day: Days
    today: Floats
    equity: Floats
    exposure: Floats

    def __len__(self) -> int:
        return len(self.day)

    @property
    def before(self) -> Floats:
        """The equity before each session."""
        return self.equity - self.today

    @property
    def exposure_fraction(self) -> Floats:
        """NaN without equity."""
        unknown = np.full(len(self), np.nan)
        fractions: Floats = np.divide(self.exposure, self.equity, out=unknown, where=self.equity > 0.0)
        return fractions


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """pnl, best, worst: dollars, of all sessions and of one. drawdown, volatility (a year), exposure (mean and
    highest): fractions; None where a figure is not defined."""

    sessions: int
    pnl: float
    best: float
    worst: float
    drawdown: float | None
    volatility: float | None
    sharpe: float | None
    mean_exposure: float | None
    highest_exposure: float | None


@dataclass(frozen=True, slots=True)
class ExposureMonth:
    """Fractions of the equity; pnl: dollars of the month's sessions."""

    month: str
    mean: float | None
    highest: float | None
    pnl: float


@dataclass(frozen=True, slots=True)
class CorrelationTable:
    """A row and a column for each strategy. mean: of all pairs that have a value."""

    strategies: list[LiveStrategy]
    rows: list[list[Correlation]]
    mean: float | None

    @property
    def lines(self) -> list[tuple[LiveStrategy, list[Correlation]]]:
        return list(zip(self.strategies, self.rows, strict=True))


def read_contributions(user: User, mode: str) -> Contributions:
    """From the sums that the booking of fills keeps, so it does not depend on the number of trades. Two
    queries."""
    shown = Count("live_strategies", filter=Q(live_strategies__deleted_at=None))
    accounts = list(
        BrokerAccount.objects.filter(user=user, mode=mode, archived_at=None)
        .annotate(of_strategies=Sum("live_strategies__realized_pnl"), strategies=shown)
        .order_by("pk")
    )
    whole = sum((account.realized_pnl for account in accounts), ZERO)
    by_hand = whole - sum((account.of_strategies or ZERO for account in accounts), ZERO)
    traded = _with_result(user, mode).select_related("account")
    rows = list(traded.order_by(Abs("realized_pnl").desc(), "-pk")[: CONTRIBUTIONS + 1])
    count = len(rows) if len(rows) <= CONTRIBUTIONS else traded.count()
    kept = [_contribution(live, live.realized_pnl, live.last_pnl, whole) for live in rows[:CONTRIBUTIONS]]
    if by_hand:
        kept.append(_contribution(None, by_hand, None, whole))
    kept.sort(key=lambda row: -row.realized)
    lines = [AccountLine(account, account.realized_pnl, account.strategies) for account in accounts]
    return Contributions(kept, count - min(len(rows), CONTRIBUTIONS), whole, lines)


def read_sessions(user: User, mode: str) -> Sessions:
    """The newest SESSIONS of the accounts together. Four queries."""
    summaries = DailySummary.objects.filter(account__user=user, account__mode=mode, account__archived_at=None)
    days = summaries.order_by("-session").values_list("session", flat=True).distinct()
    first = days[SESSIONS - 1 : SESSIONS].first()
    shown = summaries if first is None else summaries.filter(session__gte=first)
    sums = shown.order_by("session").values("session")
    rows = list(
        sums.annotate(pnl=Sum("today"), held=Sum("exposure"), unknown=Count("pk") - Count("exposure")).values_list(
            "session", "pnl", "held", "unknown"
        )
    )
    if not rows:
        empty = np.empty(0)
        return Sessions(np.empty(0, "datetime64[D]"), empty, empty, empty)
    earlier = ZERO
    if first is not None:
        earlier = summaries.filter(session__lt=first).aggregate(sum=Sum("today"))["sum"] or ZERO
    start = (starting_equity(user, mode) or 0.0) + float(earlier)
    day = _sessions_of(rows[0][0], rows[-1][0], [row[0] for row in rows])
    places = np.searchsorted(day, np.array([row[0] for row in rows], "datetime64[D]"))
    today, exposure = np.zeros(len(day)), np.zeros(len(day))
    today[places] = [float(row[1]) for row in rows]
    exposure[places] = [np.nan if row[3] else float(row[2]) for row in rows]
    return Sessions(day, today, start + np.cumsum(today), exposure)


def session_figures(of: Sessions) -> SessionFigures | None:
    """None without a session. The figures per year are those of core.metrics, not given for less than 90 days."""
    if not len(of):
        return None
    start, known = float(of.before[0]), of.exposure_fraction[np.isfinite(of.exposure_fraction)]
    measured = measure(daily_times(of.day), of.equity, capital=start) if start > 0.0 else None
    volatility = None
    if measured is not None and is_yearly(measured.days):
        returns = session_returns(of.equity, start)
        volatility = float(returns.std(ddof=1) * np.sqrt(SESSIONS_PER_YEAR))
    return SessionFigures(
        sessions=len(of),
        pnl=float(of.today.sum()),
        best=float(of.today.max()),
        worst=float(of.today.min()),
        drawdown=measured.max_drawdown if measured else None,
        volatility=volatility,
        sharpe=measured.sharpe if measured else None,
        mean_exposure=float(known.mean()) if len(known) else None,
        highest_exposure=float(known.max()) if len(known) else None,
    )


def exposure_months(of: Sessions) -> list[ExposureMonth]:
    """The newest MONTHS, the newest first."""
    months = of.day.astype("datetime64[M]")
    found = []
    for month in np.unique(months)[::-1][:MONTHS]:
        own = of.exposure_fraction[months == month]
        known = own[np.isfinite(own)]
        mean, highest = (float(known.mean()), float(known.max())) if len(known) else (None, None)
        found.append(ExposureMonth(str(month), mean, highest, float(of.today[months == month].sum())))
    return found


def read_correlations(user: User, mode: str, of: Sessions) -> CorrelationTable:
    """Of the COMPARED strategies with the largest results that held something in these sessions: their P&L of each
    session as a part of the equity before it. Two queries."""
    largest = _with_result(user, mode).order_by(Abs("realized_pnl").desc(), "-pk")[:COMPARED]
    strategies = sorted(largest, key=lambda live: live.name)
    returns = np.full((len(of), len(strategies)), np.nan)
    if len(of) and strategies:
        columns = {live.pk: column for column, live in enumerate(strategies)}
        rows = StrategySession.objects.filter(live_strategy__in=columns, session__gte=of.day[0].item())
        for live_id, session, today in rows.order_by("session").values_list(
            "live_strategy_id", "session", "today"
        ):
            _place(returns[:, columns[live_id]], of.day, session, float(today))
        with np.errstate(divide="ignore", invalid="ignore"):
            returns /= of.before[:, None]
    table = correlations(returns)
    pairs = [table[one][other].value for one in range(len(table)) for other in range(one)]
    known = [value for value in pairs if value is not None]
    return CorrelationTable(strategies, table, sum(known) / len(known) if known else None)


def _place(column: Floats, days: Days, session: date, today: float) -> None:
    """Write a session of a strategy; the sessions since the one before it, without a position, are zero."""
    row = int(np.searchsorted(days, np.datetime64(session)))
    if row >= len(days) or days[row] != np.datetime64(session):
        return
    before = np.flatnonzero(np.isfinite(column[:row]))
    if len(before):
        column[before[-1] + 1 : row] = 0.0
    column[row] = today


def _sessions_of(first: date, last: date, known: list[date]) -> Days:
    """The exchange's sessions, and those that have a summary all the same."""
    return np.union1d(sessions_between(first, last), np.array(known, "datetime64[D]"))


def _with_result(user: User, mode: str) -> "QuerySet[LiveStrategy]":
    own = LiveStrategy.with_deleted.filter(user=user, account__mode=mode, account__archived_at=None)
    return own.exclude(realized_pnl=0, last_pnl=F("realized_pnl"))


def _contribution(
    live: LiveStrategy | None, realized: Decimal, total: Decimal | None, whole: Decimal
) -> Contribution:
    return Contribution(live, realized, float(realized / whole) if whole else None, total)
