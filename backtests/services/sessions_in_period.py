"""The sessions of a period: those that a backtest or a search would use."""

from collections.abc import Iterable
from datetime import date

import numpy as np

from backtests.research.optimizer.holdout import TOLERANCE
from tradedesk.core.bars import session_dates
from tradedesk.marketdata.library import NoBars, load_many
from tradedesk.marketdata.store import DamagedBars


def period_errors(
    user_id: int, symbols: Iterable[str], timeframe: str, start: date, end: date, holdout: float = 0.0
) -> dict[str, str]:
    """The error messages of a period without a session and of a holdout without one, by field.

    Bars that cannot be read are no error here: the run says what is wrong with them.
    """
    try:
        days = [session_dates(bars.time) for bars in load_many(user_id, symbols, timeframe).values()]
    except (NoBars, DamagedBars):
        return {}
    first, last = np.datetime64(start), np.datetime64(end)
    sessions = np.unique(np.concatenate([own[(own >= first) & (own <= last)] for own in days]))
    if not len(sessions):
        return {"start_date": f"There is no session from {start} to {end}. Choose a longer period."}
    if holdout and holdout * len(sessions) < 1.0 - TOLERANCE:
        return {
            "holdout": f"This part of {len(sessions):,} sessions is less than one session. Enter 0 for no "
            f"holdout, or at least {1 / len(sessions):.2g}."
        }
    return {}
