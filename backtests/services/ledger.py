"""The ledger of tries: every backtest and every combination counts, whoever wins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db.models import F, Sum

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


def tried_on(user: User, symbols: Sequence[str], timeframe: str, start: date, end: date) -> Tried:
    """What this user has tried on these symbols in any period that overlaps this one; of several symbols the one
    that was tried most often counts. One query."""
    overlapping = user.tries.filter(
        symbol__in=symbols, timeframe=timeframe, start_date__lte=end, end_date__gte=start
    )
    totals = overlapping.values("symbol").annotate(
        tries=Sum("number"), known=Sum("measured"), total=Sum("sharpe_sum"), squares=Sum("sharpe_squares")
    )
    most = max(totals, key=lambda row: row["tries"], default=None)
    if most is None:
        return Tried(0, None)
    known = most["known"]
    if known < 2:
        return Tried(most["tries"], None)
    spread = max(most["squares"] - most["total"] ** 2 / known, 0.0)
    return Tried(most["tries"], spread / (known - 1))
