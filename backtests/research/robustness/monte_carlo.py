"""Monte Carlo: monthly returns and drawdowns of an account whose trades are resampled, and those of its equity."""

from dataclasses import dataclass, field

import numpy as np

from tradedesk.core.bars import Floats, Times, session_dates
from tradedesk.core.metrics import session_returns

DRAWS = 10_000
# With thousands of trades there are fewer draws, but each has its full length: a longer series has a deeper max
# drawdown.
MIN_DRAWS = 500
MAX_DRAWN_TRADES = 50_000_000
MAX_TRADES_IN_MEMORY = 2_000_000
DAYS_PER_MONTH = 30.4375
PERCENTILE = 5.0


@dataclass(frozen=True, slots=True)
class MonteCarlo:
    """Fractions of the equity. month: the 5th percentile of the monthly return. drawdown: the 95th percentile of
    the max drawdown over as many trades as there were, positive. months, drawdowns (draws,): the simulated values.
    """

    month: float
    drawdown: float
    trades_per_month: float
    draws: int
    months: Floats = field(repr=False, compare=False)
    drawdowns: Floats = field(repr=False, compare=False)


def resample_trades(returns: Floats, days: int, seed: int, draws: int = DRAWS) -> MonteCarlo | None:
    """returns (k,): the P&L of each closed trade as a fraction of the equity. days: the calendar days of the
    period. None for fewer than two trades. With more than 5,000 trades there are fewer draws, at least 500.

    The bootstrap draws trades with replacement. Source: B. Efron, Bootstrap Methods: Another Look at the
    Jackknife, Annals of Statistics 7 (1979).
    """
    if len(returns) < 2 or days < 1:
        return None
    random = np.random.default_rng(seed)
    size = len(returns)
    per_month = size / (days / DAYS_PER_MONTH)
    draws = max(min(draws, int(MAX_DRAWN_TRADES / max(size, per_month))), min(draws, MIN_DRAWS))
    # A month has a whole number of trades, Poisson distributed around their average.
    counts = random.poisson(per_month, draws)
    months = np.zeros(draws)
    for count in np.unique(counts[counts > 0]).tolist():
        same = counts == count
        drawn = random.choice(returns, (int(same.sum()), count))
        months[same] = np.prod(1.0 + drawn, axis=1) - 1.0
    batches = _batch_sizes(draws, max(MAX_TRADES_IN_MEMORY // size, 1))
    drawdowns = np.concatenate([_max_drawdowns(random.choice(returns, (batch, size))) for batch in batches])
    return MonteCarlo(
        month=float(np.percentile(months, PERCENTILE)),
        drawdown=float(np.percentile(drawdowns, 100.0 - PERCENTILE)),
        trades_per_month=per_month,
        draws=draws,
        months=months,
        drawdowns=drawdowns,
    )


def monthly_returns(time: Times, equity: Floats, capital: float) -> Floats:
    """The return of each calendar month with a bar, up to the one in which the account went to zero; equity (n,)
    at each bar, with open positions at their market value.
    Formula: that of core.ratios.session_returns, over months."""
    months = session_dates(time).astype("datetime64[M]")
    last = np.flatnonzero(np.append(months[1:] != months[:-1], True)) if len(time) else np.empty(0, np.int64)
    return session_returns(np.ascontiguousarray(equity[last]), capital)


def _max_drawdowns(returns: Floats) -> Floats:
    """The max drawdown (n,) of each row's equity, as a positive fraction of its peak."""
    equity = np.cumprod(1.0 + returns, axis=1)
    peaks = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)
    deepest: Floats = np.max(1.0 - equity / peaks, axis=1)
    return deepest


def _batch_sizes(total: int, most: int) -> list[int]:
    whole, rest = divmod(total, most)
    return [most] * whole + [rest] * (rest > 0)
