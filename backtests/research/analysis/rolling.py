"""Rolling figures: a figure over a window that moves with the sessions."""

import numpy as np

from tradedesk.core.bars import Floats
from tradedesk.core.metrics import NO_SPREAD, SESSIONS_PER_YEAR

ROLLING_SESSIONS = 126  # half a year


def rolling_sharpe(returns: Floats, window: int = ROLLING_SESSIONS, per_year: float = SESSIONS_PER_YEAR) -> Floats:
    """core.metrics.sharpe_ratio of each `window` consecutive returns, (n - window + 1,), at the last of them.

    NaN where their standard deviation is below 1e-12, as without a position. Empty for fewer returns than the
    window.
    """
    if len(returns) < window:
        return np.empty(0)
    windows = np.lib.stride_tricks.sliding_window_view(returns, window)
    deviation = windows.std(axis=1, ddof=1)
    ratios: Floats = np.divide(
        windows.mean(axis=1) * np.sqrt(per_year),
        deviation,
        out=np.full(len(windows), np.nan),
        where=deviation >= NO_SPREAD,
    )
    return ratios
