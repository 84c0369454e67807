"""Reading the trial registry: how many trials a user has made on some symbols and a period."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from backtests.models import TrialRegistry
from tradedesk.accounts.models import User


@dataclass(frozen=True, slots=True)
class TrialCount:
    """number: the number of trials. variance: the variance of the Sharpe ratios per session of the trials in the
    same timeframe, None for fewer than two. in_holdout: the number of trials whose period overlaps the holdout."""

    number: int
    variance: float | None
    in_holdout: int = 0


class TrialScope(NamedTuple):
    """The symbols and the period of one result. holdout_start: the first day of its holdout, None without one."""

    symbols: Sequence[str]
    timeframe: str
    start: date
    end: date
    holdout_start: date | None = None


def count_trials_each(user: User, scopes: Sequence[TrialScope]) -> list[TrialCount]:
    """For each scope, in their order: the user's trials on its symbols in every period that overlaps its own, in
    any timeframe. With several symbols the one with the most trials counts. One query for all scopes."""
    symbols = {symbol for scope in scopes for symbol in scope.symbols}
    rows = list(user.trial_registry.filter(symbol__in=symbols)) if symbols else []
    return [_count(rows, scope) for scope in scopes]


def _count(rows: Sequence[TrialRegistry], scope: TrialScope) -> TrialCount:
    overlapping = [row for row in rows if row.start_date <= scope.end and row.end_date >= scope.start]
    each = [_count_symbol([row for row in overlapping if row.symbol == symbol], scope) for symbol in scope.symbols]
    most = max(each, key=lambda count: count.number, default=TrialCount(0, None))
    return replace(most, in_holdout=max((count.in_holdout for count in each), default=0))


def _count_symbol(rows: Sequence[TrialRegistry], scope: TrialScope) -> TrialCount:
    number = sum(row.trials for row in rows)
    in_holdout = sum(
        row.trials for row in rows if scope.holdout_start is None or row.end_date >= scope.holdout_start
    )
    # The variance of Sharpe ratios depends on the timeframe, so only trials in the same one are compared.
    comparable = [row for row in rows if row.timeframe == scope.timeframe]
    with_sharpe = sum(row.trials_with_sharpe for row in comparable)
    if with_sharpe < 2:
        return TrialCount(number, None, in_holdout)
    total, squares = sum(row.sharpe_sum for row in comparable), sum(row.sharpe_squares for row in comparable)
    return TrialCount(number, max(squares - total**2 / with_sharpe, 0.0) / (with_sharpe - 1), in_holdout)
