"""Money: what the same trades in another order, some twice and some not at all, would have done to an account, and
what its equity went through between them."""

from dataclasses import dataclass, field

import numpy as np

from tradedesk.core.bars import Floats, Times, session_dates
from tradedesk.core.metrics import session_returns

DRAWS = 10_000
# Of thousands of trades fewer draws are made, and none is cut short: the longer a walk, the deeper it falls.
FEWEST_DRAWS = 500
MAX_DRAWN = 50_000_000
# Trades that are held in memory at a time.
AT_A_TIME = 2_000_000
DAYS_PER_MONTH = 30.4375
PERCENTILE = 5.0


@dataclass(frozen=True, slots=True)
class Money:
    """Fractions of the equity: month is the 5th percentile of a month's return, drawdown the 95th percentile of
    the deepest fall over as many trades as there were (above zero). trades_per_month: of the sample. months,
    drawdowns (draws,): what was drawn, falls above zero.
    """

    month: float
    drawdown: float
    trades_per_month: float
    draws: int
    months: Floats = field(repr=False, compare=False)
    drawdowns: Floats = field(repr=False, compare=False)


def money(returns: Floats, days: int, seed: int, draws: int = DRAWS) -> Money | None:
    """returns (k,): what each closed trade did to the equity, as a fraction of it. days: calendar days that they
    took. None for fewer than two trades. Of more than 5,000 trades fewer draws are made, at least 500.

    The bootstrap draws trades with replacement. Source: B. Efron, Bootstrap Methods: Another Look at the
    Jackknife, Annals of Statistics 7 (1979).
    """
    if len(returns) < 2 or days < 1:
        return None
    random = np.random.default_rng(seed)
    size = len(returns)
    per_month = size / (days / DAYS_PER_MONTH)
    draws = max(min(draws, int(MAX_DRAWN / max(size, per_month))), min(draws, FEWEST_DRAWS))
    # A month holds a whole number of trades: as many as come in it on average, by chance.
    counts = random.poisson(per_month, draws)
    months = np.zeros(draws)
    for count in np.unique(counts[counts > 0]).tolist():
        chosen = counts == count
        drawn = random.choice(returns, (int(chosen.sum()), count))
        months[chosen] = np.prod(1.0 + drawn, axis=1) - 1.0
    parts = _parts(draws, max(AT_A_TIME // size, 1))
    deepest = np.concatenate([_drawdowns(random.choice(returns, (part, size))) for part in parts])
    return Money(
        month=float(np.percentile(months, PERCENTILE)),
        drawdown=float(np.percentile(deepest, 100.0 - PERCENTILE)),
        trades_per_month=per_month,
        draws=draws,
        months=months,
        drawdowns=deepest,
    )


def monthly_returns(time: Times, equity: Floats, capital: float) -> Floats:
    """The return of each calendar month that has a bar, of the equity (n,) at each bar, open positions at their
    last price; they end with a ruin. Formula: that of core.ratios.session_returns, over months."""
    months = session_dates(time).astype("datetime64[M]")
    last = np.flatnonzero(np.append(months[1:] != months[:-1], True)) if len(time) else np.empty(0, np.int64)
    return session_returns(np.ascontiguousarray(equity[last]), capital)


def _drawdowns(returns: Floats) -> Floats:
    """The deepest fall of each row's equity (n,), as a fraction of its peak."""
    equity = np.cumprod(1.0 + returns, axis=1)
    peaks = np.maximum(np.maximum.accumulate(equity, axis=1), 1.0)
    deepest: Floats = np.max(1.0 - equity / peaks, axis=1)
    return deepest


def _parts(total: int, most: int) -> list[int]:
    whole, rest = divmod(total, most)
    return [most] * whole + [rest] * (rest > 0)
