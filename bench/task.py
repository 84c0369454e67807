"""The tasks of the comparison, with the same rules for every engine.

Long only. When the fast average crosses above the slow one, buy at the next open in whole shares; when it crosses
below, sell at the next open. 0.05% commission on both sides. With one symbol a position is 95% of the equity; with
many, a twentieth of 95% of the capital, or the remaining cash. The desk sizes at the close of the signal, the
others at the fill: the trades are the same, with slightly different sizes.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

from tradedesk.core.bars import Bars, Times

SYMBOL = "AAPL"
CAPITAL = 100_000.0
PART = 0.95
COMMISSION = 0.0005

Pair = tuple[int, int]  # the bars in the fast average and in the slow one
PAIR: Pair = (10, 30)
SLOWER: Pair = (100, 400)  # for minute bars, where faster averages would lose everything to commissions
SWEEP = tuple(product(range(2, 52), range(52, 152)))

SYMBOLS, SESSIONS, POSITIONS = 100, 2_520, 20
ACCOUNT = 1_000_000.0
POSITION = ACCOUNT * PART / POSITIONS

MINUTES, SESSION_MINUTES = 1_000_000, 390


@dataclass(frozen=True)
class Outcome:
    """The last backtest of an engine. The table shows it because all engines must do the same work."""

    trades: int
    final_equity: float


@cache
def daily() -> Bars:
    from tradedesk.marketdata.samples import sample_bars  # here, so that other tasks do not load its libraries

    return sample_bars(SYMBOL)


@cache
def minutes() -> Bars:
    """A million random one-minute bars, in sessions of 390, from a seed."""
    session, minute = np.divmod(np.arange(MINUTES), SESSION_MINUTES)
    first = np.datetime64("2010-01-04T14:30", "us")
    time = first + session * np.timedelta64(1, "D") + minute * np.timedelta64(1, "m")
    return random_walk(np.random.default_rng(1), time, 0.001)


@cache
def many_symbols() -> dict[str, Bars]:
    """A hundred random stocks over ten years of sessions, from a seed."""
    random = np.random.default_rng(2)
    time = np.datetime64("2004-01-02T05:00", "us") + np.arange(SESSIONS) * np.timedelta64(1, "D")
    return {f"S{number:03}": random_walk(random, time, 0.02) for number in range(SYMBOLS)}


def random_walk(random: np.random.Generator, time: Times, volatility: float) -> Bars:
    """A random walk with prices in cents."""
    close = np.round(50.0 * np.exp(np.cumsum(random.normal(0.0, volatility, len(time)))), 2) + 1.0
    open_ = np.round(close * np.exp(random.normal(0.0, volatility / 4, len(time))), 2)
    high, low = np.maximum(open_, close) + 0.02, np.minimum(open_, close) - 0.02
    return Bars(time, open_, high, low, close, np.full(len(time), 1e6))
