"""Writing the trial registry: every backtest and every combination of a search counts as a trial."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from django.db.models import QuerySet

from backtests.models import TrialRegistry
from backtests.research.robustness.chance import packed, unpacked
from backtests.research.robustness.distinct import merged
from backtests.research.robustness.trials import Trials
from tradedesk.accounts.models import User

# Of one symbol and timeframe. Every page with a scorecard reads all that overlap, so there must be a limit: then
# further trials are counted in the row whose period has to be widened the least, which only makes the test
# stricter.
MAX_PERIODS = 20


class Period(NamedTuple):
    start: date
    end: date

    def joined(self, other: "Period") -> "Period":
        return Period(min(self.start, other.start), max(self.end, other.end))

    def widening(self, other: "Period") -> timedelta:
        """By how much it must be widened to hold the other."""
        joined = self.joined(other)
        return (joined.end - joined.start) - (self.end - self.start)


def register_trials(
    user_id: int, symbols: Iterable[str], timeframe: str, start: date, end: date, trials: Trials
) -> None:
    """Add trials to the registry of each symbol: three queries for any number of symbols, six for a new period.

    Call it in the transaction that stores the results, so that each trial counts once.
    """
    names, period = sorted(set(symbols)), Period(start, end)
    own = TrialRegistry.objects.filter(user_id=user_id, symbol__in=names, timeframe=timeframe)
    chosen = dict.fromkeys(names, period)
    rows: list[TrialRegistry] = []
    if own.filter(start_date=start, end_date=end).count() == len(names):
        rows = _locked(own, chosen)
    if len(rows) < len(names):  # a new period, or another worker has just widened a row
        chosen = _make_rows(user_id, own, timeframe, chosen)
        rows = _locked(own, chosen)
    for row in rows:
        row.start_date, row.end_date = chosen[row.symbol].joined(period)
        _add(row, trials)
    TrialRegistry.objects.bulk_update(
        rows,
        [
            *("start_date", "end_date", "trials", "sketch", "maxima"),
            *("trials_with_sharpe", "sharpe_sum", "sharpe_squares"),
        ],
    )


def _locked(own: QuerySet[TrialRegistry], chosen: dict[str, Period]) -> list[TrialRegistry]:
    near = own.filter(
        start_date__in={row.start for row in chosen.values()}, end_date__in={row.end for row in chosen.values()}
    )
    locked = near.select_for_update().order_by("pk")
    return [row for row in locked if chosen[row.symbol] == Period(row.start_date, row.end_date)]


def _make_rows(
    user_id: int, own: QuerySet[TrialRegistry], timeframe: str, wanted: dict[str, Period]
) -> dict[str, Period]:
    """The period of the row of each symbol that counts the trials; rows that are missing are made."""
    # One at a time for a user, so that no row appears or is widened in between.
    User.objects.select_for_update(no_key=True).get(pk=user_id)
    known: dict[str, set[Period]] = {symbol: set() for symbol in wanted}
    for symbol, *dates in own.values_list("symbol", "start_date", "end_date"):
        known[symbol].add(Period(*dates))
    chosen = {symbol: _row_for(period, known[symbol]) for symbol, period in wanted.items()}
    TrialRegistry.objects.bulk_create(
        [
            TrialRegistry(
                user_id=user_id, symbol=symbol, timeframe=timeframe, start_date=row.start, end_date=row.end
            )
            for symbol, row in chosen.items()
            if row not in known[symbol]
        ]
    )
    return chosen


def _row_for(period: Period, known: set[Period]) -> Period:
    """The period of the row that counts the trials of `period`: its own, while there are few."""
    if period in known or len(known) < MAX_PERIODS:
        return period
    return min(sorted(known), key=lambda row: row.widening(period))


def _add(row: TrialRegistry, trials: Trials) -> None:
    per_session = trials.sharpe[np.isfinite(trials.sharpe)]
    row.trials += len(trials.hashes)
    row.sketch = merged([row.sketch], trials.hashes)
    row.maxima = packed(np.maximum(unpacked(row.maxima), trials.maxima))
    row.trials_with_sharpe += len(per_session)
    row.sharpe_sum += float(per_session.sum())
    row.sharpe_squares += float(np.square(per_session).sum())
