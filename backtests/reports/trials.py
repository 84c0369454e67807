"""The trial registry, read: how many trials a user has made on some symbols and a period."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from backtests.models import TrialRegistry
from tradedesk.accounts.models import User


@dataclass(frozen=True, slots=True)
class TrialCount:
    """number: how many trials. variance: of the Sharpe ratios per session of the trials in the same timeframe, None
    for fewer than two of them. reaching: how many have a period that reaches into the holdout."""

    number: int
    variance: float | None
    reaching: int = 0


class TrialScope(NamedTuple):
    """TrialScope something was count. part: the first day of the last part of its sessions, None when it has none."""

    symbols: Sequence[str]
    timeframe: str
    start: date
    end: date
    holdout_start: date | None = None


def count_trials(user: User, symbols: Sequence[str], timeframe: str, start: date, end: date) -> TrialCount:
    """What this user has tried on these symbols in any period that overlaps this one, on bars of any length; of
    several symbols the one that was tried most often counts. One query."""
    return count_trials_each(user, [TrialScope(symbols, timeframe, start, end)])[0]


def count_trials_each(user: User, places: Sequence[TrialScope]) -> list[TrialCount]:
    """The same for several places at once, in their order; one query, however many."""
    symbols = {symbol for scope in places for symbol in scope.symbols}
    rows = list(user.trial_registry.filter(symbol__in=symbols)) if symbols else []
    return [_count(rows, scope) for scope in places]


def _count(rows: Sequence[TrialRegistry], scope: TrialScope) -> TrialCount:
    overlapping = [row for row in rows if row.start_date <= scope.end and row.end_date >= scope.start]
    each = [_added([row for row in overlapping if row.symbol == symbol], scope) for symbol in scope.symbols]
    most = max(each, key=lambda count: count.number, default=TrialCount(0, None))
    return replace(most, reaching=max((count.reaching for count in each), default=0))


def _added(rows: Sequence[TrialRegistry], scope: TrialScope) -> TrialCount:
    number = sum(row.trials for row in rows)
    reaching = sum(
        row.trials for row in rows if scope.holdout_start is None or row.end_date >= scope.holdout_start
    )
    # A Sharpe ratio scatters by the length of its bars, so only those of the same length are compared.
    alike = [row for row in rows if row.timeframe == scope.timeframe]
    known = sum(row.measured for row in alike)
    if known < 2:
        return TrialCount(number, None, reaching)
    total, squares = sum(row.sharpe_sum for row in alike), sum(row.sharpe_squares for row in alike)
    return TrialCount(number, max(squares - total**2 / known, 0.0) / (known - 1), reaching)
