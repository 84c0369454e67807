"""Writing the trial registry: every backtest and every combination of a search counts as a trial."""

from collections.abc import Iterable
from datetime import date

import numpy as np
from django.db.models import F

from backtests.models import TrialRegistry
from tradedesk.core.bars import Floats
from tradedesk.core.metrics import SESSIONS_PER_YEAR


def register_trials(
    user_id: int, symbols: Iterable[str], timeframe: str, start: date, end: date, sharpe_ratios: Floats
) -> None:
    """Add trials to the registry of each symbol. sharpe_ratios: annual (n,), NaN for a trial without one.

    Call it in the transaction that stores the results, so that each trial counts once.
    """
    per_session = sharpe_ratios[np.isfinite(sharpe_ratios)] / np.sqrt(SESSIONS_PER_YEAR)
    for symbol in sorted(set(symbols)):
        row, _ = TrialRegistry.objects.get_or_create(
            user_id=user_id, symbol=symbol, timeframe=timeframe, start_date=start, end_date=end
        )
        TrialRegistry.objects.filter(pk=row.pk).update(
            trials=F("trials") + len(sharpe_ratios),
            trials_with_sharpe=F("trials_with_sharpe") + len(per_session),
            sharpe_sum=F("sharpe_sum") + float(per_session.sum()),
            sharpe_squares=F("sharpe_squares") + float(np.square(per_session).sum()),
        )
