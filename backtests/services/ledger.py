"""The ledger of tries: every backtest and every combination counts, whoever wins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

import numpy as np
from django.db.models import F

from backtests.models import Tries
from tradedesk.accounts.models import User
from tradedesk.core.bars import Floats
from tradedesk.core.metrics import SESSIONS_PER_YEAR


@dataclass(frozen=True, slots=True)
class Tried:
    """number: how many tries. variance: of the Sharpe ratios per session of those on bars of the same length, None
    for fewer than two of them. reaching: how many have a period that reaches into the last part."""

    number: int
    variance: float | None
    reaching: int = 0


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


class Where(NamedTuple):
    """Where something was tried. part: the first day of the last part of its sessions, None when it has none."""

    symbols: Sequence[str]
    timeframe: str
    start: date
    end: date
    part: date | None = None


def tried_on(user: User, symbols: Sequence[str], timeframe: str, start: date, end: date) -> Tried:
    """What this user has tried on these symbols in any period that overlaps this one, on bars of any length; of
    several symbols the one that was tried most often counts. One query."""
    return tried_on_each(user, [Where(symbols, timeframe, start, end)])[0]


def tried_on_each(user: User, places: Sequence[Where]) -> list[Tried]:
    """The same for several places at once, in their order; one query, however many."""
    symbols = {symbol for where in places for symbol in where.symbols}
    rows = list(user.tries.filter(symbol__in=symbols)) if symbols else []
    return [_tried(rows, where) for where in places]


def _tried(rows: Sequence[Tries], where: Where) -> Tried:
    overlapping = [row for row in rows if row.start_date <= where.end and row.end_date >= where.start]
    each = [_added([row for row in overlapping if row.symbol == symbol], where) for symbol in where.symbols]
    most = max(each, key=lambda tried: tried.number, default=Tried(0, None))
    return replace(most, reaching=max((tried.reaching for tried in each), default=0))


def _added(rows: Sequence[Tries], where: Where) -> Tried:
    number = sum(row.number for row in rows)
    reaching = sum(row.number for row in rows if where.part is None or row.end_date >= where.part)
    # A Sharpe ratio scatters by the length of its bars, so only those of the same length are compared.
    alike = [row for row in rows if row.timeframe == where.timeframe]
    known = sum(row.measured for row in alike)
    if known < 2:
        return Tried(number, None, reaching)
    total, squares = sum(row.sharpe_sum for row in alike), sum(row.sharpe_squares for row in alike)
    return Tried(number, max(squares - total**2 / known, 0.0) / (known - 1), reaching)
