"""The ledger of tries: every backtest and every combination counts, whoever wins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db.models import F

from backtests.models import Tries
from tradedesk.accounts.models import User
from tradedesk.core.bars import Floats
from tradedesk.core.metrics import SESSIONS_PER_YEAR


@dataclass(frozen=True, slots=True)
class Tried:
    """number: how many tries. variance: of their Sharpe ratios per session, None for fewer than two of them."""

    number: int
    variance: float | None


def record(
    user_id: int, symbols: Iterable[str], timeframe: str, start: date, end: date, sharpe_ratios: Floats
) -> None:
    """Enter tries on each of these symbols: their annual Sharpe ratios (n,), NaN where a try has none.

    Call it in the transaction that makes the results known, so that a try is counted once.
    """
    per_session = sharpe_ratios[np.isfinite(sharpe_ratios)] / np.sqrt(SESSIONS_PER_YEAR)
    for symbol in sorted(set(symbols)):
        row, _ = Tries.objects.get_or_create(
            user_id=user_id, symbol=symbol, timeframe=timeframe, start_date=start, end_date=end
        )
        Tries.objects.filter(pk=row.pk).update(
            number=F("number") + len(sharpe_ratios),
            measured=F("measured") + len(per_session),
            sharpe_sum=F("sharpe_sum") + float(per_session.sum()),
            sharpe_squares=F("sharpe_squares") + float(np.square(per_session).sum()),
        )


# Symbols, timeframe, and the first and the last day.
Where = tuple[Sequence[str], str, date, date]


def tried_on(user: User, symbols: Sequence[str], timeframe: str, start: date, end: date) -> Tried:
    """What this user has tried on these symbols in any period that overlaps this one; of several symbols the one
    that was tried most often counts. One query."""
    return tried_on_each(user, [(symbols, timeframe, start, end)])[0]


def tried_on_each(user: User, places: Sequence[Where]) -> list[Tried]:
    """The same for several places at once, in their order; one query, however many."""
    symbols = {symbol for own, *_ in places for symbol in own}
    rows = list(user.tries.filter(symbol__in=symbols)) if symbols else []
    return [_tried(rows, where) for where in places]


def _tried(rows: Sequence[Tries], where: Where) -> Tried:
    symbols, timeframe, start, end = where
    overlapping = [
        row for row in rows if row.timeframe == timeframe and row.start_date <= end and row.end_date >= start
    ]
    return max(
        (_added([row for row in overlapping if row.symbol == symbol]) for symbol in symbols),
        key=lambda tried: tried.number,
        default=Tried(0, None),
    )


def _added(rows: Sequence[Tries]) -> Tried:
    number, known = sum(row.number for row in rows), sum(row.measured for row in rows)
    if known < 2:
        return Tried(number, None)
    total, squares = sum(row.sharpe_sum for row in rows), sum(row.sharpe_squares for row in rows)
    return Tried(number, max(squares - total**2 / known, 0.0) / (known - 1))
