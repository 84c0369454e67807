"""Reading the trial registry: what a user has tried on some symbols and a period."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from backtests.models import TrialRegistry
from backtests.research.robustness.chance import NO_MAXIMA, unpacked
from backtests.research.robustness.distinct import count_distinct
from backtests.research.robustness.tried import Tried
from tradedesk.accounts.models import User


class TrialScope(NamedTuple):
    """The symbols and the period of one result. holdout_start: the first day of its holdout, None without one."""

    symbols: Sequence[str]
    timeframe: str
    start: date
    end: date
    holdout_start: date | None = None


def read_trials(user: User, scopes: Sequence[TrialScope]) -> list[Tried]:
    """For each scope, in their order: the user's trials on any of its symbols in every period that overlaps its
    own, in any timeframe. One query for all scopes; services.trial_registry limits how many rows there can be."""
    if not scopes:
        return []
    rows = list(
        user.trial_registry.filter(
            symbol__in={symbol for scope in scopes for symbol in scope.symbols},
            start_date__lte=max(scope.end for scope in scopes),
            end_date__gte=min(scope.start for scope in scopes),
        )
    )
    known: dict[TrialScope, Tried] = {}  # the rows of one search all have the same scope
    for scope in (_hashable(scope) for scope in scopes):
        if scope not in known:
            known[scope] = _tried(rows, scope)
    return [known[_hashable(scope)] for scope in scopes]


def _hashable(scope: TrialScope) -> TrialScope:
    return scope._replace(symbols=tuple(scope.symbols))


def _tried(rows: Sequence[TrialRegistry], scope: TrialScope) -> Tried:
    found = [
        row
        for row in rows
        if row.symbol in scope.symbols and row.start_date <= scope.end and row.end_date >= scope.start
    ]
    distinct = count_distinct(row.sketch for row in found)
    holdout = scope.holdout_start or date.min
    return Tried(
        number=distinct.number,
        is_exact=distinct.is_exact,
        maxima=np.max([NO_MAXIMA, *(unpacked(row.maxima) for row in found)], axis=0),
        variance=_variance([row for row in found if row.timeframe == scope.timeframe]),
        in_holdout=count_distinct(row.sketch for row in found if row.end_date >= holdout).number,
    )


def _variance(rows: Sequence[TrialRegistry]) -> float | None:
    """The variance of the Sharpe ratios per session, which depends on the timeframe, on the symbol with the most
    trials: a trial on several symbols is in the rows of each. None for fewer than two."""
    by_symbol: dict[str, list[TrialRegistry]] = {}
    for row in rows:
        by_symbol.setdefault(row.symbol, []).append(row)
    most = max(by_symbol.values(), key=lambda own: sum(row.trials_with_sharpe for row in own), default=[])
    number = sum(row.trials_with_sharpe for row in most)
    if number < 2:
        return None
    total, squares = sum(row.sharpe_sum for row in most), sum(row.sharpe_squares for row in most)
    return max(squares - total**2 / number, 0.0) / (number - 1)
