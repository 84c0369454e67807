"""The tasks: what every engine in the comparison has to do, by the same rules.

Long only. The fast average crossing above the slow one buys at the next open, in whole shares; crossing below
sells at the next open. 0.05% commission on both sides. For one symbol a position is 95% of the equity; of many, a
twentieth of 95% of the capital, or what is left of the cash. The desk sizes at the signal's close, the others at
the fill: their trades are the same ones, of slightly different size.
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
ONE: Pair = (10, 30)
SLOWER: Pair = (100, 400)  # on minutes the commission would eat the account
SWEEP = tuple(product(range(2, 52), range(52, 152)))

SYMBOLS, SESSIONS, POSITIONS = 100, 2_520, 20
ACCOUNT = 1_000_000.0
POSITION = ACCOUNT * PART / POSITIONS

MINUTES, SESSION_MINUTES = 1_000_000, 390


@dataclass(frozen=True)
class Outcome:
    """What an engine says of its last backtest, so that the table shows that all of them did the same work."""

    trades: int
    final_equity: float


@cache
def daily() -> Bars:
    from tradedesk.marketdata.samples import sample_bars  # here, so that no other task carries its libraries

    return sample_bars(SYMBOL)


@cache
def minutes() -> Bars:
    """A million made bars of one minute, in sessions of 390, from a seed."""
    session, minute = np.divmod(np.arange(MINUTES), SESSION_MINUTES)
    first = np.datetime64("2010-01-04T14:30", "us")
    time = first + session * np.timedelta64(1, "D") + minute * np.timedelta64(1, "m")
    return made(np.random.default_rng(1), time, 0.001)


@cache
def many() -> dict[str, Bars]:
    """A hundred made stocks over ten years of sessions, from a seed."""
    random = np.random.default_rng(2)
    time = np.datetime64("2004-01-02T05:00", "us") + np.arange(SESSIONS) * np.timedelta64(1, "D")
    return {f"S{number:03}": made(random, time, 0.02) for number in range(SYMBOLS)}


def made(random: np.random.Generator, time: Times, volatility: float) -> Bars:
    """A random walk on cents."""
    close = np.round(50.0 * np.exp(np.cumsum(random.normal(0.0, volatility, len(time)))), 2) + 1.0
    open_ = np.round(close * np.exp(random.normal(0.0, volatility / 4, len(time))), 2)
    high, low = np.maximum(open_, close) + 0.02, np.minimum(open_, close) - 0.02
    return Bars(time, open_, high, low, close, np.full(len(time), 1e6))
