"""Series for comparing the engine with other libraries: the five sample stocks and thirty random series."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tests.backtests.scripted import days
from tradedesk.core.bars import Bars, Floats, validate
from tradedesk.marketdata.samples import FINGERPRINTS, sample_bars

STOCKS = tuple(FINGERPRINTS)
SEEDS = tuple(range(30))
Series = str | int  # a sample stock or a seed


@cache
def series_of(name: Series) -> tuple[Bars, NDArray[np.int8]]:
    """Bars and the side of each: a crossover of averages of 10 and 30 on a stock, random on a random series. Row 0
    is HOLD because backtesting.py begins with row 1.
    """
    if isinstance(name, str):
        bars = sample_bars(name)
        side = _crossovers(bars.close, 10, 30)
    else:
        bars, side = _random_series(np.random.default_rng(name))
    validate(bars)
    side[0] = 0
    return bars, side


def _crossovers(close: Floats, fast: int, slow: int) -> NDArray[np.int8]:
    above = np.zeros(len(close), np.bool_)
    means = [np.lib.stride_tricks.sliding_window_view(close, period).mean(axis=1) for period in (fast, slow)]
    above[slow - 1 :] = means[0][slow - fast :] > means[1]
    side = np.zeros(len(close), np.int8)
    side[slow:] = np.diff(above.astype(np.int8))[slow - 1 :]
    return side


def _random_series(random: np.random.Generator) -> tuple[Bars, NDArray[np.int8]]:
    """400 days of a volatile stock, with gaps, wide bars, and days that touch both a stop and a target."""
    count = 400
    close = 50 * np.exp(np.cumsum(random.normal(0, 0.025, count)))
    open_ = np.concatenate(([50.0], close[:-1])) * np.exp(random.standard_t(3, count) * 0.01)
    high = np.maximum(open_, close) * (1 + random.exponential(0.015, count))
    low = np.minimum(open_, close) / (1 + random.exponential(0.015, count))
    open_, high, low, close = (np.round(column, 4) for column in (open_, high, low, close))
    side = random.choice(np.array([-1, 0, 1], np.int8), count, p=(0.08, 0.82, 0.1))
    return Bars(days(count, "2020-01-01"), open_, high, low, close, np.full(count, 1e6)), side
